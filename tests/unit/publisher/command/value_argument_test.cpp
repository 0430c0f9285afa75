#include "publisher/command/value_argument.hpp"

#include <catch2/catch.hpp>
#include <cctype>
#include <string>

#include "proto/json/json_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

TEST_CASE("a typed value is JSON, or a bare word, or refused") {
  const auto said = [](std::string_view text) {
    const auto value = parse_value_argument(text, "hint");
    return value ? to_json(*value) : "refused";
  };
  CHECK(said("5") == "5");
  CHECK(said("-1.50") == "-1.5");
  CHECK(said("true") == "true");
  CHECK(said("null") == "null");
  CHECK(said("\"5\"") == "\"5\"");
  CHECK(said(" [1, {\"a\": null}] ") == R"([1,{"a":null}])");
  CHECK(said("BTC-USDT") == "\"BTC-USDT\"");
  CHECK(said("${HOST:-a}") == "\"${HOST:-a}\"");
  CHECK(said("https://x/y?z={1}") == "\"https://x/y?z={1}\"");
  CHECK(said("配置") == "\"配置\"");
  for (const char* bad : {"", "{a: 1}", "[1,", "\"open", "100ms", "1.2.3", "-x", "True", "NULL", "NaN", "'x'",
                          "{\"$bin\":1}", "\xff\xfe", "007"}) {
    CAPTURE(bad);
    CHECK(said(bad) == "refused");
  }
}

TEST_CASE("the rule in the help names every mark that a bare word may begin with, and no other") {
  const std::string rule(kValueRule);
  const std::size_t from = rule.find("one of ") + 7;
  const std::string marks = rule.substr(from, rule.find(" or a character") - from);
  for (char c = '!'; c <= '~'; ++c) {
    CAPTURE(c);
    const bool letter = std::isalpha(static_cast<unsigned char>(c)) != 0;
    const bool said = letter || marks.find(c) != std::string::npos;
    CHECK(parse_value_argument(std::string(1, c) + "!", "hint").has_value() == said);
  }
}
