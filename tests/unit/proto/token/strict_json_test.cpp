// Strict JSON: what is taken and what is refused, and random texts held against nlohmann's parser.
#include "proto/token/strict_json.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

using namespace prismbus;

namespace {

JsonMistake mistake_of(std::string_view text) {
  const auto value = parse_strict_json(text);
  REQUIRE_FALSE(value);
  return value.error();
}

std::string text_of(std::string_view json) {
  return parse_strict_json(json).value().text();
}

// The same tree as nlohmann sees.
bool alike(const JsonValue& ours, const nlohmann::json& theirs) {
  switch (ours.kind()) {
    case JsonValue::Kind::null:
      return theirs.is_null();
    case JsonValue::Kind::boolean:
      return theirs.is_boolean() && theirs.get<bool>() == (ours.raw() == "true");
    case JsonValue::Kind::number:
      return theirs.is_number() && nlohmann::json::parse(ours.raw()) == theirs;
    case JsonValue::Kind::text:
      return theirs.is_string() && theirs.get<std::string>() == ours.text();
    case JsonValue::Kind::array:
    case JsonValue::Kind::object:
      break;
  }
  const bool object = ours.is(JsonValue::Kind::object);
  if (theirs.is_object() != object || theirs.is_array() == object || theirs.size() != ours.items().size())
    return false;
  for (std::size_t i = 0; i < ours.items().size(); ++i) {
    if (object && !theirs.contains(ours.names()[i])) return false;
    if (!alike(ours.items()[i], object ? theirs[ours.names()[i]] : theirs[i])) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("strings are what they say, with escapes or without") {
  CHECK(text_of(R"("plain")") == "plain");
  CHECK(text_of(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(text_of(R"("\u0061\u00e9\u20AC\ud83d\ude00")") == "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(text_of(R"("\u0000")") == std::string(1, '\0'));
  std::string out;
  append_json_string(out, "a\"b\\c\nd\xc3\xa9");
  CHECK(out == "\"a\\\"b\\\\c\\u000ad\xc3\xa9\"");
  CHECK(text_of(out) == "a\"b\\c\nd\xc3\xa9");
}

TEST_CASE("a member named twice is refused at any depth, however it is spelt") {
  CHECK(mistake_of(R"({"a":1,"a":1})") == JsonMistake::named_twice);
  CHECK(mistake_of(R"({"a":1,"b":2,"\u0061":3})") == JsonMistake::named_twice);
  CHECK(mistake_of(R"({"x":[{"y":{"a":1,"a":2}}]})") == JsonMistake::named_twice);
  CHECK(parse_strict_json(R"({"a":{"a":1},"b":{"a":1}})"));
}

TEST_CASE("what is no JSON is refused") {
  const std::string_view texts[] = {"",
                                    " ",
                                    "{",
                                    "}",
                                    "[",
                                    "]",
                                    "[1,]",
                                    "[,1]",
                                    "{\"a\"}",
                                    "{\"a\":}",
                                    "{\"a\":1,}",
                                    "{a:1}",
                                    "{'a':1}",
                                    "01",
                                    "-",
                                    "1.",
                                    ".5",
                                    "1e",
                                    "+1",
                                    "0x1",
                                    "NaN",
                                    "Infinity",
                                    "tru",
                                    "nulll",
                                    "\"",
                                    "\"\\x\"",
                                    "\"\\u12\"",
                                    "\"\\u12g4\"",
                                    "\"\\ud800\"",
                                    "\"\\ud800x\"",
                                    "\"\\udc00\"",
                                    "\"\\ud800\\u0041\"",
                                    "\"a\nb\"",
                                    "1 1",
                                    "{} {}",
                                    "//\n1",
                                    "\xef\xbb\xbf{}",
                                    "\"\xff\"",
                                    "\"\xc0\xaf\"",
                                    "\"\xed\xa0\x80\"",
                                    "{\"a\" 1}",
                                    "[1 2]",
                                    "\v1"};
  for (const std::string_view text : texts) {
    INFO(text);
    CHECK(mistake_of(text) == JsonMistake::malformed);
  }
  CHECK(mistake_of(std::string_view("{}\0", 3)) == JsonMistake::malformed);
}

TEST_CASE("depth and number of values are limited") {
  const std::string deep(100'000, '[');
  CHECK(mistake_of(deep) == JsonMistake::too_deep);
  CHECK(parse_strict_json("[[1]]", {.depth = 3, .values = 10}));
  CHECK_FALSE(parse_strict_json("[[[1]]]", {.depth = 3, .values = 10}));
  CHECK(parse_strict_json("[1,2,3]", {.depth = 3, .values = 4}));
  CHECK(parse_strict_json("[1,2,3,4]", {.depth = 3, .values = 4}).error() == JsonMistake::too_many);
}

TEST_CASE("times are whole seconds of plain numbers up to the year 9999") {
  const auto seconds = [](std::string_view text) { return parse_strict_json(text).value().seconds(); };
  CHECK(seconds("0") == 0u);
  CHECK(seconds("1800000000") == 1'800'000'000u);
  CHECK(seconds("1800000000.999") == 1'800'000'000u);
  CHECK(seconds("253402300799") == 253'402'300'799u);
  for (const char* text :
       {"253402300800", "-1", "1e9", "1E+9", "99999999999999999999999", "\"5\"", "null", "true", "[5]"})
    CHECK_FALSE(seconds(text));
}

TEST_CASE("of random texts ours takes those that nlohmann takes, and sees the same in them") {
  const char* set = std::getenv("PRISMBUS_SEED");
  const std::uint64_t seed = set != nullptr ? std::strtoull(set, nullptr, 10) : std::random_device{}();
  std::cout << "strict_json seed " << seed << '\n';
  std::mt19937_64 random(seed);
  const std::string_view pieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"a\"",
                                     "\"b\"",
                                     "\"\\u0061\"",
                                     "1",
                                     "-2.5",
                                     "1e-3",
                                     "true",
                                     " ",
                                     "null",
                                     "\"\\n\"",
                                     "0",
                                     "\"\xc3\xa9\"",
                                     "\"\\ud83d\\ude00\"",
                                     "\"\\ud83d\"",
                                     "\t",
                                     "\"x\":",
                                     "\"y\":[",
                                     "}]",
                                     "\\"};
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 2 == 0 ? "{\"k\":" : "[";
    for (auto n = random() % 6; n > 0; --n) text += pieces[random() % std::size(pieces)];
    text += round % 2 == 0 ? "}" : "]";
    const auto ours = parse_strict_json(text);
    const auto theirs = nlohmann::json::parse(text, nullptr, false);
    INFO(text);
    if (ours) {
      ++taken;
      CHECK_FALSE(theirs.is_discarded());
      CHECK(alike(*ours, theirs));
    } else if (ours.error() == JsonMistake::malformed) {
      CHECK(theirs.is_discarded());
    }
  }
  CHECK(taken > 500);
}
