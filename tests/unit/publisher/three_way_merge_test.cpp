#include "publisher/outbox/three_way_merge.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "proto/wire/value.hpp"

using namespace prismbus;

namespace {

using Flat = std::map<std::string, int>;
using Nested = std::map<std::string, Flat>;

// Maps within maps within maps, leaves of few kinds, so that the three versions often agree and often do not.
std::string random_tree(std::mt19937_64& random, int depth) {
  if (depth == 0 || random() % 4 == 0) {
    if (random() % 3 == 0) return encode_value(std::string("s") + std::to_string(random() % 3));
    return encode_value(static_cast<int>(random() % 3));
  }
  std::map<std::string, std::string> members;
  for (std::uint64_t i = random() % 4; i > 0; --i) {
    members[std::string(1, static_cast<char>('a' + random() % 4))] = random_tree(random, depth - 1);
  }
  std::string out(1, static_cast<char>(0x80 | members.size()));
  for (const auto& [key, value] : members) out += encode_value(key) + value;
  return out;
}

std::optional<std::string> random_value(std::mt19937_64& random) {
  if (random() % 8 == 0) return std::nullopt;
  return random_tree(random, 3);
}

}  // namespace

TEST_CASE("what either side changed alone is in the merge, additions and removals too") {
  const auto base = encode_value(Flat{{"a", 1}, {"b", 1}, {"gone", 1}});
  const auto ours = encode_value(Flat{{"a", 2}, {"b", 1}, {"gone", 1}, {"x", 7}});
  const auto theirs = encode_value(Flat{{"a", 1}, {"b", 3}, {"c", 4}});
  const Merged merged = three_way_merge(base, ours, theirs);
  CHECK(merged.unresolved.empty());
  REQUIRE(merged.value);
  CHECK(decode_value<Flat>(*merged.value) == Flat{{"a", 2}, {"b", 3}, {"c", 4}, {"x", 7}});
}

TEST_CASE("maps are merged at every depth, and a leaf both changed is reported by its path") {
  const auto base = encode_value(Nested{{"okx", {{"rate", 5}, {"size", 1}}}, {"a/b", {{"x", 1}}}});
  const auto ours = encode_value(Nested{{"okx", {{"rate", 6}, {"size", 2}}}, {"a/b", {{"x", 2}}}});
  const auto theirs = encode_value(Nested{{"okx", {{"rate", 7}, {"size", 1}}}, {"a/b", {{"x", 3}}}});
  const Merged merged = three_way_merge(base, ours, theirs);
  CHECK(merged.unresolved == std::vector<std::string>{"/a~1b/x", "/okx/rate"});
  CHECK(decode_value<Nested>(*merged.value).value().at("okx") == Flat{{"rate", 7}, {"size", 2}});
}

TEST_CASE("a resolver decides each leaf: ours, theirs, a value of its own, or not at all") {
  const auto base = encode_value(Flat{{"a", 0}, {"b", 0}, {"c", 0}, {"d", 0}});
  const auto ours = encode_value(Flat{{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}});
  const auto theirs = encode_value(Flat{{"a", 2}, {"b", 2}, {"c", 2}, {"d", 2}});
  const Merged merged = three_way_merge(base, ours, theirs, [](const LeafConflict& at) -> LeafChoice {
    using Take = LeafChoice::Take;
    if (at.path == "/a") return {Take::ours, {}};
    if (at.path == "/b") return {Take::theirs, {}};
    if (at.path == "/c") return {Take::value, encode_value(9)};
    return {};
  });
  CHECK(merged.unresolved == std::vector<std::string>{"/d"});
  CHECK(decode_value<Flat>(*merged.value) == Flat{{"a", 1}, {"b", 2}, {"c", 9}, {"d", 2}});
}

TEST_CASE("values that are no maps, and removals against changes, are one leaf with an empty path") {
  const auto one = encode_value(1), two = encode_value(2), three = encode_value(3);
  CHECK(three_way_merge(one, two, three).unresolved == std::vector<std::string>{""});
  CHECK(three_way_merge(one, std::nullopt, three).unresolved == std::vector<std::string>{""});
  CHECK_FALSE(three_way_merge(one, std::nullopt, one).value);
  CHECK_FALSE(three_way_merge(one, std::nullopt, std::nullopt).value);
  const auto made = three_way_merge(std::nullopt, encode_value(Flat{{"a", 1}}), encode_value(Flat{{"b", 2}}));
  CHECK(made.unresolved.empty());
  CHECK(decode_value<Flat>(made.value.value()) == Flat{{"a", 1}, {"b", 2}});
}

TEST_CASE(
    "merge(b, b, x) = x, merge(b, x, b) = x, and both orders agree where nothing conflicts (M1 M2 M3)") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  int agreed = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto b = random_value(random), x = random_value(random), y = random_value(random);
    const auto left = three_way_merge(lent(b), lent(b), lent(x));
    const auto right = three_way_merge(lent(b), lent(x), lent(b));
    const auto forth = three_way_merge(lent(b), lent(x), lent(y));
    const auto back = three_way_merge(lent(b), lent(y), lent(x));
    const bool same = forth.unresolved.empty() ? back.value == forth.value : true;
    if (left.value != x || right.value != x || !left.unresolved.empty() || !right.unresolved.empty() ||
        forth.unresolved != back.unresolved || !same) {
      FAIL("broken at round " << i);
    }
    if (forth.unresolved.empty()) ++agreed;
    if (forth.value && !unpack_value(*forth.value)) FAIL("no value at round " << i);
  }
  CHECK(agreed > 1000);
}
