#include "publisher/command/documents/env_text.hpp"

#include <catch2/catch.hpp>

#include <random>

#include "proto/json/json_value.hpp"
#include "tests/unit/proto/json/random_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {
std::string said(std::string_view text) {
  const auto value = from_env(text);
  if (value) return to_json(*value);
  return fmt::format("{}:{}: {}", value.error().line, value.error().column, value.error().message);
}
std::string printed(std::string_view json) {
  const auto value = from_json(json);
  REQUIRE(value);
  const auto text = to_env(*value);
  return text ? *text : "refused: " + text.error().message;
}
}  // namespace

TEST_CASE("env text is read in its three ways of writing a value, and nothing is interpolated") {
  CHECK(said("A=1\nexport B = two words # note\n# c\n\nC='x # \"y\" \\n'\nD=\"a\\nb\\\"\\$\\q\"\nE=\n") ==
        R"({"A":"1","B":"two words","C":"x # \"y\" \\n","D":"a\nb\"$\\q","E":""})");
  CHECK(said("A=${ENV:-default}\nB=\"${ENV:-a b}\"\nC='$X'\nD=x#y\n") ==
        R"({"A":"${ENV:-default}","B":"${ENV:-a b}","C":"$X","D":"x#y"})");
  CHECK(said("A=\"one\ntwo\"\r\nB=3\r\n") == R"({"A":"one\ntwo","B":"3"})");
  CHECK(said("\xef\xbb\xbf"
             "A=配置") == R"({"A":"配置"})");
  CHECK(said("export=1") == R"({"export":"1"})");
}

TEST_CASE("half-written env text is refused with its place") {
  CHECK(said("A=1\nB") == "2:1: no = after B");
  CHECK(said("A=\"x") == "1:3: the quotes are not closed");
  CHECK(said("A='x\nB=1\n") == "1:3: the quotes are not closed");
  CHECK(said("A='x' y") == "1:7: text behind the closed quotes");
  CHECK(said("1A=x").starts_with("1:1: a name"));
  CHECK(said("A: x") == "1:1: no = after A");
  CHECK(said("A=1\n A=2") == "2:2: A is there twice");
  CHECK(said("A=\xff") == "1:1: A is not UTF-8");
}

TEST_CASE("what env cannot carry is refused with its key") {
  CHECK(printed(R"({"A":"x","B":"two words","C":"it's","D":"${E:-f g}","F":"a\nb","G":""})") ==
        "A=x\nB='two words'\nC=\"it's\"\nD=\"${E:-f g}\"\nF=\"a\\nb\"\nG=\n");
  CHECK(printed(R"({"A":8080})").starts_with("refused: the key \"A\" is not a string"));
  CHECK(printed(R"({"a/b":"x"})").starts_with("refused: the key \"a/b\" is not a name"));
  CHECK(printed(R"({"A":"\u0000"})").starts_with("refused: the key \"A\" holds a zero byte"));
  CHECK(printed("[]").starts_with("refused: "));
}

TEST_CASE("what is written as env text reads back equal, and any bytes are a document or a mistake") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 5000; ++i) {
    std::string text = random_text(random);
    if (const auto zero = text.find('\0'); zero != std::string::npos) text.resize(zero);
    const Value document =
        Value::map({{Value::text("A"), Value::text(text)}, {Value::text("B.c-1"), Value::text("x")}});
    const auto written = to_env(document);
    REQUIRE(written);
    INFO(*written);
    const auto back = from_env(*written);
    REQUIRE(back);
    REQUIRE(*back == document);
    std::string noise(random() % 40, '\0');
    for (char& c : noise) c = "AB=\"'\\# \n\r\t$x\xff"[random() % 15];
    const auto any = from_env(noise);
    if (any) REQUIRE((to_env(*any).has_value() || noise.find('\0') != std::string::npos));
  }
}
