#include "publisher/command/documents/properties_text.hpp"

#include <catch2/catch.hpp>

#include <random>

#include "proto/json/json_value.hpp"
#include "tests/unit/proto/json/random_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {
std::string said(std::string_view text) {
  const auto value = from_properties(text);
  if (value) return to_json(*value);
  return fmt::format("{}:{}: {}", value.error().line, value.error().column, value.error().message);
}
}  // namespace

TEST_CASE("properties are read by Java's rules") {
  CHECK(said("# c\n! c\n a.b = 1\nc:2\nd 3 4 \ne=\n") == R"({"a.b":"1","c":"2","d":"3 4 ","e":""})");
  CHECK(said("fruits  apple, \\\n   pear\nk\\ \\=\\:=v\\tw\\q\n") ==
        R"({"fruits":"apple, pear","k =:":"v\twq"})");
  CHECK(said("a=\\u914d\\u7f6e\\ud83d\\ude00\nb=配\n") == R"({"a":"配置😀","b":"配"})");
  CHECK(said("a=${ENV:-default}\r\nb==x\rc=1") == R"({"a":"${ENV:-default}","b":"=x","c":"1"})");
  CHECK(said("path/to=x\n") == R"({"path/to":"x"})");
}

TEST_CASE("half-written properties are refused with their place") {
  CHECK(said("a=1\nb") == "2:1: no = or : after \"b\"");
  CHECK(said("a=1\nb ") == "2:1: no = or : after \"b\"");
  CHECK(said("a=\\u12") == "1:3: \\u needs four hexadecimal digits");
  CHECK(said("a=\\ud83dx") == "1:3: half of a surrogate pair");
  CHECK(said("a=\\ude00") == "1:3: half of a surrogate pair");
  CHECK(said("a=x\\") == "1:4: a backslash joins the next line, and there is none");
  CHECK(said("a=1\na=2") == "2:1: the key \"a\" is there twice");
  CHECK(said("a=\xff") == "1:1: not UTF-8");
}

TEST_CASE("what properties cannot carry is refused with its key") {
  const auto number = to_properties(*from_json(R"({"a/b":8080})"));
  REQUIRE_FALSE(number);
  CHECK(number.error().message.starts_with("the key \"a/b\" holds no string"));
  CHECK_FALSE(to_properties(Value::number(5)));
}

TEST_CASE("what is written as properties is ASCII and reads back equal, and any bytes are total") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 5000; ++i) {
    const Value document = Value::map({{Value::text(random_text(random)), Value::text(random_text(random))}});
    const auto written = to_properties(document);
    REQUIRE(written);
    INFO(*written);
    for (const char c : *written) REQUIRE(static_cast<unsigned char>(c) < 0x7f);
    const auto back = from_properties(*written);
    REQUIRE(back);
    REQUIRE(*back == document);
    std::string noise(random() % 40, '\0');
    for (char& c : noise) c = "ab=:\\u0d8f #!\n\r\t\f\xc3\xa9"[random() % 18];
    const auto any = from_properties(noise);
    if (!any) continue;
    const auto again = to_properties(*any);
    REQUIRE(again);
    REQUIRE(from_properties(*again) == *any);
  }
}
