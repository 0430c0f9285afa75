#include "publisher/command/value_argument.hpp"

#include <catch2/catch.hpp>

#include "publisher/command/json_value.hpp"

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
