// The persistent trie: against std::map, with colliding hashes, and that old versions stay as they were.
#include "subscriber/view/hamt.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

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

std::uint64_t hash_with(std::uint64_t h, unsigned bits) {
  return bits == 0 ? 42 : bits >= 64 ? h : h >> (64 - bits) << (64 - bits);
}

// A walk that is left after every few leaves and taken up in a trie that has changed meanwhile: what was
// there all the time is met once, in order, and leaves of equal hashes in a row.
void walk_in_pieces(std::uint64_t seed, unsigned bits) {
  INFO("seed " << seed << " bits " << bits);
  std::mt19937_64 random(seed);
  Hamt<TestLeaf> trie;
  Garbage garbage;
  std::map<std::string, std::uint64_t> stays;
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key" + std::to_string(i);
    stays[key] = hash_with(random(), bits);
    (void)trie.put(new TestLeaf(stays[key], key, 0), garbage);
  }
  std::map<std::string, int> met;
  std::vector<std::uint64_t> order;
  std::optional<std::uint64_t> from;
  bool more = true;
  for (int piece = 0; more; ++piece) {
    more = false;
    std::size_t left = random() % 20 + 1;
    std::optional<std::uint64_t> last;
    trie.visit_after(from ? &*from : nullptr, [&](const TestLeaf& leaf) {
      if (left == 0 && leaf.hash != *last) {  // a row of equal hashes is not left in its middle
        more = true;
        return false;
      }
      left -= left > 0 ? 1 : 0;
      last = leaf.hash;
      order.push_back(leaf.hash);
      if (stays.contains(leaf.name)) ++met[leaf.name];
      return true;
    });
    from = last;
    for (int i = 0; i < 10; ++i) {  // others come and go
      const std::string key = "guest" + std::to_string(random() % 50);
      const std::uint64_t hash = hash_with(std::hash<std::string>{}(key)*0x9e3779b97f4a7c15ull, bits);
      if (random() % 2 == 0) {
        (void)trie.put(new TestLeaf(hash, key, piece), garbage);
      } else {
        (void)trie.erase(hash, key, garbage);
      }
    }
    garbage.release_all();
  }
  REQUIRE(met.size() == stays.size());
  for (const auto& [key, times] : met) REQUIRE(times == 1);
  REQUIRE(std::is_sorted(order.begin(), order.end(), Hamt<TestLeaf>::comes_before));
  trie.retire(garbage);
  garbage.release_all();
  REQUIRE(leaves_alive == 0);
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
    return hash_with(h, bits);
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

TEST_CASE("visit_after goes on behind a hash, whether a leaf has it or not, until it is told to stop") {
  for (const unsigned bits : {64u, 4u, 0u}) {
    std::mt19937_64 random(bits + 1);
    Hamt<TestLeaf> trie;
    Garbage garbage;
    std::vector<std::uint64_t> hashes;
    for (int i = 0; i < 200; ++i) {
      hashes.push_back(hash_with(random(), bits));
      (void)trie.put(new TestLeaf(hashes.back(), "key" + std::to_string(i), i), garbage);
    }
    garbage.release_all();
    std::vector<std::uint64_t> from = hashes;
    for (int i = 0; i < 200; ++i) from.push_back(random());
    for (const std::uint64_t after : from) {
      const auto behind =
          static_cast<std::size_t>(std::count_if(hashes.begin(), hashes.end(), [&](std::uint64_t hash) {
            return Hamt<TestLeaf>::comes_before(after, hash);
          }));
      std::size_t visited = 0;
      trie.visit_after(&after, [&](const TestLeaf& leaf) {
        REQUIRE(Hamt<TestLeaf>::comes_before(after, leaf.hash));
        ++visited;
        return true;
      });
      REQUIRE(visited == behind);
    }
    std::size_t visited = 0;
    trie.visit_after(nullptr, [&](const TestLeaf&) { return ++visited < 7; });
    CHECK(visited == 7);
    trie.retire(garbage);
    garbage.release_all();
  }
  REQUIRE(leaves_alive == 0);
}

TEST_CASE("comes_before is a strict order of all hashes") {
  std::mt19937_64 random(9);
  for (int i = 0; i < 10'000; ++i) {
    const auto low = [&] { return random() >> random() % 64; };
    std::array<std::uint64_t, 3> h{low(), low(), low()};
    std::sort(h.begin(), h.end(), Hamt<TestLeaf>::comes_before);
    REQUIRE_FALSE(Hamt<TestLeaf>::comes_before(h[0], h[0]));
    REQUIRE((h[0] == h[1] ||
             (Hamt<TestLeaf>::comes_before(h[0], h[1]) && !Hamt<TestLeaf>::comes_before(h[1], h[0]))));
    REQUIRE((h[0] == h[2] || Hamt<TestLeaf>::comes_before(h[0], h[2])));
  }
}

TEST_CASE("a walk that is taken up in a changed trie meets what stayed once, in order") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    for (const unsigned bits : {64u, 4u, 0u}) walk_in_pieces(seed, bits);
  }
}

TEST_CASE("an empty trie finds nothing, erases nothing and retires nothing") {
  Hamt<TestLeaf> trie;
  Garbage garbage;
  CHECK(trie.find(1, "x") == nullptr);
  CHECK(trie.erase(1, "x", garbage) == nullptr);
  trie.retire(garbage);
  CHECK(garbage.empty());
}
