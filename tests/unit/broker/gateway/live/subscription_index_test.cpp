#include "broker/gateway/live/subscription_index.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace prismbus;

namespace {

using Index = SubscriptionIndex<int>;

std::vector<int> found(const Index& index, std::string_view ns) {
  std::vector<int> all;
  index.find(ns, all);
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("a namespace concerns who named it, and every subtree above it; the broker's own not everybody's") {
  Index index;
  index.add("a.b", false, 1);
  index.add("a", true, 2);
  index.add("", true, 3);
  index.add("a.b", true, 4);
  index.add("_system", true, 5);
  CHECK(found(index, "a.b") == std::vector<int>{1, 2, 3, 4});
  CHECK(found(index, "a.b.c") == std::vector<int>{2, 3, 4});
  CHECK(found(index, "a.bx") == std::vector<int>{2, 3});
  CHECK(found(index, "ab") == std::vector<int>{3});
  CHECK(found(index, "_system.policy") == std::vector<int>{5});
}

TEST_CASE("what is removed is gone, once for each time it was added") {
  Index index;
  index.add("a", false, 1);
  index.add("a", false, 1);
  index.remove("a", true, 1);
  index.remove("b", false, 1);
  index.remove("a", false, 2);
  CHECK(found(index, "a") == std::vector<int>{1, 1});
  index.remove("a", false, 1);
  CHECK(found(index, "a") == std::vector<int>{1});
  index.remove("a", false, 1);
  CHECK(found(index, "a").empty());
}

TEST_CASE("against a list that is looked through") {
  const std::uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> names{"", "a", "a.b", "a.b.c", "ab", "b", "b.a", "_x", "_x.y"};
  Index index;
  struct One {
    std::string ns;
    bool subtree;
    int id;
  };
  std::vector<One> all;
  for (int n = 0; n < 20'000; ++n) {
    if (all.size() < 30 && random() % 2 == 0) {
      One one{names[random() % names.size()], random() % 2 == 0, n};
      if (one.ns.empty()) one.subtree = true;
      index.add(one.ns, one.subtree, one.id);
      all.push_back(one);
    } else if (!all.empty()) {
      const std::size_t at = random() % all.size();
      index.remove(all[at].ns, all[at].subtree, all[at].id);
      all.erase(all.begin() + static_cast<long>(at));
    }
    const std::string& ns = names[1 + random() % (names.size() - 1)];
    std::vector<int> expected;
    for (const One& one : all) {
      if (one.subtree ? is_under(ns, one.ns) : ns == one.ns) expected.push_back(one.id);
    }
    std::sort(expected.begin(), expected.end());
    REQUIRE(found(index, ns) == expected);
  }
}
