// The persistent trie: against std::map, with colliding hashes, and that old versions stay as they were.
#include "subscriber/hamt.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>

using namespace prismbus;

namespace {

int leaves_alive = 0;

struct TestLeaf {
  std::uint64_t hash;
  std::string name;
  int value;
  TestLeaf(std::uint64_t h, std::string n, int v) : hash(h), name(std::move(n)), value(v) { ++leaves_alive; }
  ~TestLeaf() { --leaves_alive; }
  [[nodiscard]] std::string_view key() const { return name; }
  static void release(const void* leaf) { delete static_cast<const TestLeaf*>(leaf); }
};

std::map<std::string, int> content(const Hamt<TestLeaf>& trie) {
  std::map<std::string, int> out;
  trie.for_each([&](const TestLeaf& leaf) { out[leaf.name] = leaf.value; });
  return out;
}

// `bits`: how many bits of the hash differ between keys; few bits = deep tries and collision nodes.
void against_a_map(std::uint64_t seed, unsigned bits) {
  INFO("seed " << seed << " bits " << bits);
  std::mt19937_64 random(seed);
  Hamt<TestLeaf> trie;
  Garbage garbage;
  std::map<std::string, int> model;
  const auto hash_of = [&](const std::string& key) {
    const std::uint64_t h = std::hash<std::string>{}(key)*0x9e3779b97f4a7c15ull;
    return bits == 0 ? 42 : bits >= 64 ? h : h >> (64 - bits) << (random.max() > 0 ? 64 - bits : 0);
  };
  Hamt<TestLeaf> kept;
  std::map<std::string, int> kept_model;
  for (int i = 0; i < 3000; ++i) {
    const std::string key = "key" + std::to_string(random() % 200);
    const std::uint64_t hash = hash_of(key);
    if (random() % 3 != 0) {
      const bool there = model.contains(key);
      const TestLeaf* replaced = trie.put(new TestLeaf(hash, key, i), garbage);
      REQUIRE((replaced != nullptr) == there);
      if (there) REQUIRE(replaced->value == model[key]);
      model[key] = i;
    } else {
      const TestLeaf* erased = trie.erase(hash, key, garbage);
      REQUIRE((erased != nullptr) == (model.erase(key) == 1));
    }
    REQUIRE(trie.size() == model.size());
    if (i == 1500) {
      kept = trie;  // a reader's handle: nothing it reaches is released below
      kept_model = model;
    }
    if (i < 1500) garbage.release_all();
    if (i % 100 == 0) REQUIRE(content(trie) == model);
    const auto* found = trie.find(hash, key);
    REQUIRE((found != nullptr) == model.contains(key));
  }
  REQUIRE(content(trie) == model);
  REQUIRE(content(kept) == kept_model);
  trie.retire(garbage);
  garbage.release_all();
  REQUIRE(leaves_alive == 0);
}

}  // namespace

TEST_CASE("a trie holds what a map holds, and a former version stays as it was") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) against_a_map(seed, 64);
}

TEST_CASE("a trie with few distinct hashes goes deep and still holds what a map holds") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) against_a_map(seed, 4);
}

TEST_CASE("keys whose hashes are all equal live in one collision node") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) against_a_map(seed, 0);
}

TEST_CASE("an empty trie finds nothing, erases nothing and retires nothing") {
  Hamt<TestLeaf> trie;
  Garbage garbage;
  CHECK(trie.find(1, "x") == nullptr);
  CHECK(trie.erase(1, "x", garbage) == nullptr);
  trie.retire(garbage);
  CHECK(garbage.empty());
}
