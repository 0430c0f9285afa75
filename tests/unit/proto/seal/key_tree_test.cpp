// What each key of the tree derives and what it does not. The values themselves: tests/golden/seal.
#include "proto/seal/key_tree.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>
#include <string>
#include <vector>

using namespace prismbus;

namespace {

const StreamKey kMaster = *StreamKey::from(std::string(32, 'm'));
const Period kPeriod = Period::of(1, 1000);

}  // namespace

TEST_CASE("a told node gives the keys at and below it, the same as the master key does") {
  const KeyTree tree(kMaster, Epoch(9));
  const std::vector<std::string> names{"a", "a.b", "a.b.c", "a.bc", "ab", "_system", "_system.policy", "_a"};
  for (const std::string& node_ns : names) {
    const StreamKey node = tree.node(kPeriod, node_ns);
    for (const std::string& ns : names) {
      INFO(node_ns << " -> " << ns);
      const bool below = ns == node_ns || ns.starts_with(node_ns + ".");
      const auto leaf = leaf_below(node, node_ns, ns);
      REQUIRE(leaf.has_value() == below);
      REQUIRE(node_below(node, node_ns, ns).has_value() == below);
      if (!below) continue;
      CHECK((*leaf == tree.leaf(kPeriod, ns)));
      CHECK((*node_below(node, node_ns, ns) == tree.node(kPeriod, ns)));
    }
  }
}

TEST_CASE("I10: the root of everything ordinary gives no key of the broker's own names") {
  const KeyTree tree(kMaster, Epoch(9));
  const StreamKey root = tree.node(kPeriod, "");
  CHECK((*leaf_below(root, "", "a.b") == tree.leaf(kPeriod, "a.b")));
  CHECK_FALSE(leaf_below(root, "", "_system.policy").has_value());
  CHECK_FALSE(leaf_below(root, "", "_").has_value());
  CHECK_FALSE(node_below(root, "", "_system").has_value());
  // Nor by calling them something else: below the ordinary root nothing is what it is below the other one.
  const StreamKey wrong = *leaf_below(*node_below(root, "", "a"), "a", "a._system.policy");
  CHECK((wrong != tree.leaf(kPeriod, "_system.policy")));
}

TEST_CASE("I10: no two names, kinds, periods, generations, epochs or master keys share a key") {
  std::set<std::string> keys;
  std::size_t made = 0;
  const auto add = [&](const StreamKey& key) {
    keys.emplace(key.bytes());
    ++made;
  };
  for (const char master : {'m', 'n'}) {
    for (const std::uint64_t epoch : {9, 10}) {
      const KeyTree tree(*StreamKey::from(std::string(32, master)), Epoch(epoch));
      for (const Period period : {kPeriod, kPeriod.next(), Period::of(2, 1000)}) {
        for (const char* ns : {"a", "b", "a.b", "b.a", "ab", "a.b.c", "a.bc", "_a", "_a.b"}) {
          add(tree.node(period, ns));
          add(tree.leaf(period, ns));
        }
        add(tree.node(period, ""));
      }
    }
  }
  CHECK(keys.size() == made);
}
