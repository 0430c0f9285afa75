#include "publisher/command/documents/flatten.hpp"

#include <catch2/catch.hpp>

#include "proto/json/json_value.hpp"
#include "tests/unit/proto/json/random_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {
std::string flat(std::string_view json) {
  const auto keys = flatten(from_json(json).value());
  if (!keys) return "refused: " + keys.error().message;
  std::string out;
  for (const auto& [key, value] : *keys) out += key + "=" + to_json(value) + " ";
  return out;
}
std::string nested(const KeyValues& keys) {
  const auto document = unflatten(keys);
  return document ? to_json(*document) : "refused: " + document.error().message;
}
}  // namespace

TEST_CASE("nested maps become keys; lists, empty maps and odd maps stay values") {
  CHECK(flat(R"({"a":{"b":{"c":1},"l":[{"x":1}]},"e":{},"s":"t"})") ==
        R"(a/b/c=1 a/l=[{"x":1}] e={} s="t" )");
  CHECK(flat(R"({"a":{"$map":[[1,2],["x",3]]}})") == R"(a={"$map":[[1,2],["x",3]]} )");
  CHECK(flat("{}") == "");
}

TEST_CASE("what cannot be a key is refused, naming its path") {
  CHECK(flat("[1]").starts_with("refused: the document is not a map"));
  CHECK(flat("null").starts_with("refused: the document is not a map"));
  CHECK(flat(R"({"$map":[[1,2]]})").starts_with("refused: a key at the top level is not a string"));
  CHECK(flat(R"({"a":{"b/c":1}})").starts_with(R"(refused: the key "b/c" below "a" holds the separator)"));
  CHECK(flat(R"({"a/b":1})").starts_with(R"(refused: the key "a/b" below the top level holds)"));
  CHECK(flat(R"({"a":{"":1}})") == R"(refused: an empty key below "a")");
  CHECK(flat(R"({"a":{"b\n":1}})").starts_with(R"(refused: the key "a/b\n": )"));
  CHECK(flat("{\"" + std::string(200, 'x') + "\":{\"" + std::string(60, 'y') + "\":1}}")
            .starts_with("refused: the key "));
}

TEST_CASE("unflatten gives back what was flattened") {
  const std::uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  int round_trips = 0;
  for (int i = 0; i < 3000; ++i) {
    const Value document = random_value(random, 4, Kinds::document);
    const auto keys = flatten(document);
    if (!keys) continue;  // no map, or a key that cannot be one
    ++round_trips;
    const auto back = unflatten(*keys);
    REQUIRE(back);
    INFO(to_json(document) << "\n" << to_json(*back));
    REQUIRE(*back == document);
  }
  CHECK(round_trips > 100);
}

TEST_CASE("keys that are no paths are not nested") {
  const Value one = Value::number(1);
  CHECK(nested({{"a", one}, {"a/b", one}})
            .starts_with(R"(refused: the key "a" holds a value and "a/b" lies below)"));
  CHECK(nested({{"a", one}, {"a-b", one}, {"a/b/c", one}}).starts_with("refused: the key \"a\""));
  CHECK(nested({{"a//b", one}}).starts_with("refused: the key \"a//b\" has an empty part"));
  CHECK(nested({{"/a", one}}).starts_with("refused: "));
  CHECK(nested({{"a/", one}}).starts_with("refused: "));
  CHECK(nested({{"a-b/x", one}, {"a/x", one}, {"a/y", one}, {"b", one}}) ==
        R"({"a-b":{"x":1},"a":{"x":1,"y":1},"b":1})");
  CHECK(nested({}) == "{}");
}

TEST_CASE("the top level alone is taken apart with every key as it stands") {
  const auto keys = split_top_level(from_json(R"({"a/b":{"c":1},"d//":[2]})").value());
  REQUIRE(keys);
  CHECK(keys->size() == 2);
  CHECK(to_json(keys->at("a/b")) == R"({"c":1})");
  CHECK_FALSE(split_top_level(from_json("[1]").value()));
  CHECK_FALSE(split_top_level(from_json(R"({"":1})").value()));
}
