#include "publisher/command/documents/yaml_value.hpp"

#include <catch2/catch.hpp>

#include "proto/json/json_value.hpp"
#include "tests/unit/proto/json/random_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {
// What a YAML text says, as JSON; a refusal as line:column: message.
std::string said(std::string_view yaml) {
  const auto value = from_yaml(yaml);
  if (value) return to_json(*value);
  return fmt::format("{}:{}: {}", value.error().line, value.error().column, value.error().message);
}
}  // namespace

TEST_CASE("any value goes through YAML and comes back equal, types included") {
  const std::uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3000; ++i) {
    const Value value = random_value(random, 4);
    const std::string text = to_yaml(value);
    INFO(text);
    const auto back = from_yaml(text);
    if (!back) FAIL(back.error().line << ":" << back.error().column << " " << back.error().message);
    REQUIRE(*back == value);
  }
}

TEST_CASE("plain scalars follow the core schema of YAML 1.2") {
  CHECK(said("[true, True, TRUE, false, null, Null, ~, ]") == "[true,true,true,false,null,null,null]");
  CHECK(said("[yes, no, on, off, y, 12:30:00, 2024-01-01, 1_000, 0b1]") ==
        R"(["yes","no","on","off","y","12:30:00","2024-01-01","1_000","0b1"])");
  CHECK(said("[1, -1, +1, 007, 0o17, 0xFf, 18446744073709551615, -9223372036854775808]") ==
        "[1,-1,1,7,15,255,18446744073709551615,-9223372036854775808]");
  CHECK(said("[1.0, .5, 5., 1e3, 1.5E-2, -0.0, +.5]") == "[1.0,0.5,5.0,1000.0,0.015,-0.0,0.5]");
  CHECK(said("[.inf, -.INF, .NaN]") == R"([{"$float":"inf"},{"$float":"-inf"},{"$float":"nan"}])");
  CHECK(said("[1.2.3, 100ms, -, e5, ., 1e, 0x, 0xg, -0x1]") ==
        R"(["1.2.3","100ms","-","e5",".","1e","0x","0xg","-0x1"])");
  CHECK(said("a: 18446744073709551616") ==
        "1:4: an integer outside of -2^63 .. 2^64-1; put it in quotes if it is text");
  CHECK(said("a: 1e999").starts_with("1:4: a number beyond"));
}

TEST_CASE("quoted scalars and ${ENV:-default} stay strings as they are") {
  CHECK(said("a: \"2.0\"\nb: '60'\nc: ''\nd: \"true\"") == R"({"a":"2.0","b":"60","c":"","d":"true"})");
  CHECK(said("host: ${HOT_CH_HOST:-clickhouse-hot}\npwd: ${P:-}") ==
        R"({"host":"${HOT_CH_HOST:-clickhouse-hot}","pwd":"${P:-}"})");
  CHECK(to_yaml(Value::map({{Value::text("v"), Value::text("2.0")}})) == "v: \"2.0\"\n");
  CHECK(to_yaml(Value::map({{Value::text("v"), Value::text("${A:-b}")}})) == "v: ${A:-b}\n");
}

TEST_CASE("anchors, aliases and merge keys are resolved") {
  CHECK(said("a: &x [1, 2]\nb: *x") == R"({"a":[1,2],"b":[1,2]})");
  CHECK(said("base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3") == R"({"base":{"x":1,"y":2},"d":{"y":3,"x":1}})");
  CHECK(said("- &a {x: 1}\n- &b {x: 2, z: 3}\n- <<: [*a, *b]") == R"([{"x":1},{"x":2,"z":3},{"x":1,"z":3}])");
  CHECK(said("\"<<\": 1") == R"({"<<":1})");
  CHECK(said("a:\n  <<: 1") == "2:7: `<<` needs a map or a list of maps");
  CHECK(said("a: &a [*a]") == "1:8: an alias inside of what it names");
  CHECK(said("a: *nobody") == "1:4: the referenced anchor is not defined");
}

TEST_CASE("an alias bomb and endless nesting are refused") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += fmt::format(
        "a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  CHECK(said(bomb).find("more than 1000000 values") != std::string::npos);
  CHECK(said(std::string(200, '[') + std::string(200, ']')).find("deeper than 128") != std::string::npos);
  CHECK_FALSE(from_yaml(std::string(100'000, '[')));
}

TEST_CASE("what is wrong with a YAML text is said with line and column") {
  CHECK(said("a: 1\nb: 2\na: 3") == "3:1: the key \"a\" is there twice");
  CHECK(said("a:\n  b: 1\n  b: 2") == "3:3: the key \"b\" is there twice");
  CHECK(said("true: 1").starts_with("1:1: a map key must be"));
  CHECK(said("? [a]\n: 1").starts_with("1:3: a map key must be"));
  CHECK(said("1: a\n\"1\": b") == R"({"$map":[[1,"a"],["1","b"]]})");
  CHECK(said("a: 1\n---\nb: 2").find("a second document") != std::string::npos);
  CHECK(said("a: !!set {x}").starts_with("1:4: the tag"));
  CHECK(said("a: !mine x").starts_with("1:4: the tag"));
  CHECK(said("a: \x04 b") == "1:4: a control character");
  CHECK(said("a: \xff") == "0:0: not UTF-8");
}

TEST_CASE("half-written YAML is refused with line and column") {
  for (const char* bad : {"a: \"x\n", "a: 'x\n", "a: 'it''s\n\n", "a: &b \"x\n", "- !!str\n  'x\n",
                          "a: [1,\n", "a: {b\n", "a: {b:\n", "[", "{", "a: [1, 2", "a: {b: 1", "a: \"open",
                          "a: 'open", "a: 1\nb", "a:\n\t- 1\n b", "a: b: c", "- a\nb: 1"}) {
    CAPTURE(bad);
    const auto value = from_yaml(bad);
    REQUIRE_FALSE(value);
    CHECK(value.error().line > 0);
    CHECK(value.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("closed quotes are closed, over lines and with quotes inside") {
  CHECK(said("a: \"x\n  y\\\" z\"") == R"({"a":"x y\" z"})");
  CHECK(said("a: 'it''s\n  here'\n") == R"({"a":"it's here"})");
  CHECK(said("a: &b !!str 'x'\nc: *b") == R"({"a":"x","c":"x"})");
  CHECK(said("a: \"x\n").starts_with("1:4: a quoted text without"));
}

TEST_CASE("a last line that is half a key is refused, and an empty value is not") {
  CHECK(said("a: 1\nb") == "2:1: a key without a colon and a value");
  CHECK(said("a:\n  x: 1\n  http://b") == "3:3: a key without a colon and a value");
  CHECK(said("a: 1\n\"b: \"\n").starts_with("2:1: "));
  CHECK(said("a: 1\nb # c: d").starts_with("2:1: "));
  CHECK(said("a: 1\n&x b").starts_with("2:1: "));
  CHECK(said("a: 1\nb:") == R"({"a":1,"b":null})");
  CHECK(said("a: 1\nb: # later\n") == R"({"a":1,"b":null})");
  CHECK(said("\xef\xbb\xbf"
             "a:\r\n'it''s: ' :\r\n") == R"({"a":null,"it's: ":null})");
  CHECK(said("\"a\\\": b\":\n配置:") == R"({"a\": b":null,"配置":null})");
  CHECK(said("? a\n? b") == R"({"a":null,"b":null})");
  CHECK(said("{a, b: }") == R"({"a":null,"b":null})");
}

TEST_CASE("tags of the core schema, binary and extensions are understood") {
  CHECK(said("[!!str 1, !!int \"1\", !!float 1, !!bool \"true\", !!null \"\", !!seq [], !!map {}]") ==
        R"(["1",1,1.0,true,null,[],{}])");
  CHECK(said("!!binary \"Zm9v\"") == R"({"$bin":"Zm9v"})");
  CHECK(said("!!binary |\n  Zm9v\n  Zm9v\n") == R"({"$bin":"Zm9vZm9v"})");
  CHECK(said("!ext/-1 \"YWJjZA==\"") == R"({"$ext":[-1,"YWJjZA=="]})");
  CHECK(said("!ext/200 \"\"").starts_with("1:1: !ext/N"));
  CHECK(said("!!int x").starts_with("1:1: the tag"));
}

TEST_CASE("an empty text is nil, comments and block scalars are read") {
  CHECK(said("") == "null");
  CHECK(said("# only a comment\n") == "null");
  CHECK(said("a: |\n  x\n  y\nb: >\n  x\n  y\nc: 1 # note") == R"({"a":"x\ny\n","b":"x y\n","c":1})");
}

TEST_CASE("YAML is written in block style") {
  const auto value = from_json(R"({"a":{"b":[1,{"c":2,"d":[]},[3]],"e":{}},"f":null})");
  REQUIRE(value);
  CHECK(to_yaml(*value) == "a:\n  b:\n    - 1\n    - c: 2\n      d: []\n    - - 3\n  e: {}\nf: null\n");
}
