#include "proto/json/json_value.hpp"

#include <catch2/catch.hpp>

#include <limits>

#include "tests/unit/proto/json/random_value.hpp"

using namespace prismbus;

namespace {
std::string again(std::string_view json) {
  const auto value = from_json(json);
  return value ? to_json(*value) : "refused: " + value.error().message;
}
Value binary(std::string bytes) {
  Value v;
  v.data = Binary{std::move(bytes)};
  return v;
}
}  // namespace

TEST_CASE("any value goes through JSON and comes back equal, in both layouts") {
  const std::uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3000; ++i) {
    const Value value = random_value(random, 4);
    for (const JsonLayout layout : {JsonLayout::compact, JsonLayout::indented}) {
      const std::string text = to_json(value, layout);
      INFO(text);
      const auto back = from_json(text);
      REQUIRE(back);
      REQUIRE(*back == value);
    }
  }
}

TEST_CASE("numbers keep what they are: integers of 64 bits, floats with a point or an exponent") {
  CHECK(again("18446744073709551615") == "18446744073709551615");
  CHECK(again("-9223372036854775808") == "-9223372036854775808");
  CHECK(again("1.0") == "1.0");
  CHECK(again("1") == "1");
  CHECK(again("1e3") == "1000.0");
  CHECK(again("0.1") == "0.1");
  CHECK(again("-0.0") == "-0.0");
  CHECK(again("1e22") == "1.0e+22");
  CHECK(again("5e-324") == "5.0e-324");
  CHECK(again("18446744073709551616").find("outside of") != std::string::npos);
  CHECK(again("-9223372036854775809").find("outside of") != std::string::npos);
  CHECK(again("1e999") == "refused: not JSON: a number is too large");
}

TEST_CASE("what JSON lacks is written in $ forms") {
  CHECK(to_json(binary("foo")) == R"({"$bin":"Zm9v"})");
  Value ext;
  ext.data = Extension{-1, "abcd"};
  CHECK(to_json(ext) == R"({"$ext":[-1,"YWJjZA=="]})");
  CHECK(to_json(Value::real(std::numeric_limits<double>::quiet_NaN())) == R"({"$float":"nan"})");
  CHECK(to_json(Value::real(-std::numeric_limits<double>::infinity())) == R"({"$float":"-inf"})");
  CHECK(to_json(Value::map({{Value::number(1), Value::text("a")}})) == R"({"$map":[[1,"a"]]})");
  CHECK(to_json(Value::map({{Value::text("$bin"), Value::number(1)}})) == R"({"$$bin":1})");
  CHECK(to_json(Value::map({{Value::text("$$x"), Value::number(1)}})) == R"({"$$$x":1})");
  CHECK(to_json(Value::map({{Value::text("$a"), Value::nil()}, {Value::text("b"), Value::nil()}})) ==
        R"({"$a":null,"b":null})");
}

TEST_CASE("$ forms that are none are refused, with the path") {
  for (const char* bad :
       {R"({"$bin":1})", R"({"$bin":"Zg"})", R"({"$ext":[1]})", R"({"$ext":[128,""]})",
        R"({"$ext":[1.0,""]})", R"({"$float":"NaN"})", R"({"$float":1.5})", R"({"$map":[[1]]})",
        R"({"$map":{}})", R"({"$map":[[1,2],[1,3]]})", R"({"$ref":"x"})", R"({"$":1})"}) {
    CAPTURE(bad);
    CHECK(again(bad).starts_with("refused: "));
  }
  CHECK(again(R"({"a":[1,{"$ref":"x"}]})").starts_with("refused: at .a[1]: "));
  CHECK(again(R"({"$ref":"x"})").find(R"("$$ref")") != std::string::npos);
}

TEST_CASE("malformed JSON is refused with line and column") {
  const auto bad = from_json("{\n  \"a\": 1,\n  \"b\" 2\n}");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().line == 3);
  CHECK(bad.error().column == 7);
  CHECK(bad.error().message.starts_with("not JSON: "));
  CHECK_FALSE(from_json(""));
  CHECK_FALSE(from_json("1 2"));
  CHECK_FALSE(from_json("{\"a\":1,}"));
  CHECK_FALSE(from_json("\"\xff\""));
  CHECK_FALSE(from_json("NaN"));
  CHECK(again(R"({"a":1,"a":2})") == R"(refused: at .a: the key "a" is there twice)");
  CHECK(again(std::string(100'000, '[')).find("deeper than") != std::string::npos);
}

TEST_CASE("characters that steer a terminal are escaped") {
  CHECK(to_json(Value::text("a\x1b[0m\x7f\xc2\x9bz")) == "\"a\\u001b[0m\\u007f\\u009bz\"");
  CHECK(to_json(Value::text("é\n\"\\")) == R"("é\n\"\\")");
}
