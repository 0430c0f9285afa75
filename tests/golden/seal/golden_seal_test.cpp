// The vectors of the sealed stream against the library: keys by the master key and from every node above,
// bodies of another implementation's opened, and the draft's own. seal_vectors_test.py computes the same
// file.
#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <sstream>

#include "proto/seal/key_tree.hpp"
#include "proto/seal/sealed_body.hpp"

using namespace prismbus;

namespace {

std::string from_hex(const std::string& hex) {
  std::string out;
  if (hex == "-") return out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return out;
}

StreamKey key_from(const std::string& hex) {
  return StreamKey::from(from_hex(hex)).value();
}

struct Told {
  Period period;
  std::string ns;
  StreamKey key;
};

struct Vectors {
  StreamKey master;
  Epoch epoch;
  std::vector<Told> nodes, leaves;
  std::vector<std::pair<Told, std::string>> bodies;  // key unused; ns, plain in `second`, body below
  std::vector<std::string> sealed;
  StreamKey draft_key;
  std::string draft_topic, draft_plain, draft_body;
};

Vectors read_vectors() {
  Vectors v;
  std::ifstream file(PRISMBUS_SEAL_VECTORS);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream in(line);
    std::string what, a, b, c, d;
    in >> what >> a >> b >> c >> d;
    if (what == "master") v.master = key_from(a);
    if (what == "epoch") v.epoch = Epoch(std::stoull(a, nullptr, 16));
    if (what == "node" || what == "leaf") {
      auto& list = what == "node" ? v.nodes : v.leaves;
      list.push_back({Period(std::stoull(a)), b == "-" ? "" : b, key_from(c)});
    }
    if (what == "body") {
      v.bodies.push_back({{Period(std::stoull(a)), b, {}}, from_hex(c)});
      v.sealed.push_back(from_hex(d));
    }
    if (what == "draft") {
      v.draft_key = key_from(a);
      v.draft_topic = from_hex(b);
      v.draft_plain = from_hex(c);
      v.draft_body = from_hex(d);
    }
  }
  return v;
}

}  // namespace

TEST_CASE("every key of the vectors is derived from the master key and from each node above it") {
  const Vectors v = read_vectors();
  REQUIRE(v.nodes.size() == 36);
  REQUIRE(v.leaves.size() == 32);
  const KeyTree tree(v.master, v.epoch);
  for (const Told& node : v.nodes) CHECK(tree.node(node.period, node.ns) == node.key);
  std::size_t from_above = 0;
  for (const Told& leaf : v.leaves) {
    INFO(leaf.ns);
    CHECK(tree.leaf(leaf.period, leaf.ns) == leaf.key);
    for (const Told& node : v.nodes) {
      const auto derived = leaf_below(node.key, node.ns, leaf.ns);
      if (!derived || node.period != leaf.period) continue;
      CHECK(*derived == leaf.key);
      ++from_above;
    }
  }
  // 6 names below "", then a: 3, a.b: 2, a.b.c, ab, market.binance, _system: 2, _system.policy, x...: of 4
  // periods
  CHECK(from_above == std::size_t{4} * (6 + 3 + 2 + 1 + 1 + 1 + 2 + 1 + 1));
}

TEST_CASE("bodies sealed by another implementation open, and so does the draft's example") {
  const Vectors v = read_vectors();
  REQUIRE(v.bodies.size() == 4);
  const KeyTree tree(v.master, v.epoch);
  std::string plain;
  for (std::size_t i = 0; i < v.bodies.size(); ++i) {
    const auto& [told, expected] = v.bodies[i];
    CHECK(period_of(v.sealed[i]).value() == told.period);
    REQUIRE(open_body(tree.leaf(told.period, told.ns), told.ns + "/", v.sealed[i], plain));
    CHECK(plain == expected);
  }
  REQUIRE(open_body(v.draft_key, v.draft_topic, v.draft_body, plain));
  CHECK(plain == v.draft_plain);
}
