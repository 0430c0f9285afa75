#include "subscriber/stream/told_keys.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/subscriber/sealed_broker.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

TEST_CASE("told leaves and nodes give the leaves of three periods; a name beside them none (I10)") {
  SealedBroker broker({{"a.b", false}, {"c", true}});
  const Steady t{1000min};
  const Period p = broker.period(t);
  ToldKeys keys;
  CHECK(keys.empty());
  REQUIRE(keys.take(broker.answer(t), t));
  for (const Period of : {p.previous(), p, p.next()}) {
    for (const char* ns : {"a.b", "c", "c.d", "c.d.e", "c.d"}) {
      INFO(ns);
      REQUIRE(keys.leaf(of, ns) != nullptr);
      CHECK((*keys.leaf(of, ns) == broker.tree.leaf(of, ns)));
    }
    for (const char* ns : {"a", "a.b.c", "b", "cc", "c-d", "_c", "_system.policy"}) {
      CHECK(keys.leaf(of, ns) == nullptr);
    }
  }
  CHECK(keys.leaf(p.next().next(), "a.b") == nullptr);
  CHECK(keys.leaf(p.previous().previous(), "c.d") == nullptr);
  CHECK(keys.covers("c.x"));
  CHECK_FALSE(keys.covers("a"));
}

TEST_CASE("I10: the root covers everything but the broker's own names") {
  SealedBroker broker({{"", true}});
  const Steady t{1000min};
  ToldKeys keys;
  REQUIRE(keys.take(broker.answer(t), t));
  CHECK((*keys.leaf(broker.period(t), "x.y") == broker.tree.leaf(broker.period(t), "x.y")));
  CHECK(keys.leaf(broker.period(t), "_system.policy") == nullptr);
  CHECK_FALSE(keys.covers("_system.policy"));
}

TEST_CASE("an answer replaces its generation, and older generations end 2 s after it (I10)") {
  SealedBroker broker({{"a", false}, {"b", false}});
  Steady t{1000min};
  const Period old = broker.period(t);
  ToldKeys keys;
  REQUIRE(keys.take(broker.answer(t), t));
  CHECK(keys.next_drop() == Steady::max());
  t += 1s;
  broker.rights = {{"a", false}};
  ++broker.generation;
  REQUIRE(keys.take(broker.answer(t), t));
  CHECK(keys.leaf(old, "b") != nullptr);  // frames of before may still be on their way
  CHECK_FALSE(keys.covers("b"));
  CHECK(keys.next_drop() == t + 2s);
  const Steady told = t;
  t += 1s;  // another answer does not prolong it
  REQUIRE(keys.take(broker.answer(t), t));
  CHECK(keys.next_drop() == told + 2s);
  keys.drop_outdated(told + 2s - 1ns);
  CHECK(keys.leaf(old, "b") != nullptr);
  keys.drop_outdated(told + 2s);
  CHECK(keys.leaf(old, "b") == nullptr);
  CHECK(keys.leaf(old, "a") == nullptr);
  CHECK(keys.leaf(broker.period(t), "a") != nullptr);
  CHECK(keys.next_drop() == Steady::max());
}

TEST_CASE("an answer of an older generation changes nothing, in another history it may") {
  SealedBroker broker({{"a", false}});
  const Steady t{1000min};
  ToldKeys keys;
  broker.generation = 2;
  REQUIRE(keys.take(broker.answer(t), t));
  broker.generation = 1;
  CHECK_FALSE(keys.take(broker.answer(t), t));
  CHECK(keys.leaf(Period::of(2, 1000), "a") != nullptr);
  CHECK(keys.leaf(Period::of(1, 1000), "a") == nullptr);
  keys.clear();
  CHECK(keys.empty());
  CHECK(keys.take(broker.answer(t), t));
}

TEST_CASE(
    "keys of periods older than the neighbour are gone with the next answer, also where the clock went "
    "back") {
  SealedBroker broker({{"a", true}});
  Steady t{1000min};
  ToldKeys keys;
  REQUIRE(keys.take(broker.answer(t), t));
  REQUIRE(keys.take(broker.answer(t + 2min), t + 2min));
  CHECK(keys.leaf(Period::of(1, 1000), "a.b") == nullptr);
  CHECK(keys.leaf(Period::of(1, 1001), "a.b") != nullptr);
  REQUIRE(keys.take(broker.answer(t - 5min), t + 3min));  // another broker of the cluster
  CHECK(keys.leaf(Period::of(1, 995), "a.b") != nullptr);
  CHECK(keys.leaf(Period::of(1, 1001), "a.b") == nullptr);
}

TEST_CASE("keys that an answer cannot hold are not taken") {
  SealedBroker broker({});
  const Steady t{1000min};
  const Period p = broker.period(t);
  KeysTold told = broker.answer(t);
  const StreamKey key = broker.tree.leaf(p, "a");
  told.keys.push_back({"a", false, Period::of(2, 1000), key});
  told.keys.push_back({"a", false, Period::of(1, 1002), key});
  told.keys.push_back({"a..b", false, p, key});
  told.keys.push_back({"", false, p, key});  // the root is a node
  ToldKeys keys;
  const bool taken = keys.take(std::move(told), t);
  CHECK(taken);
  CHECK(keys.empty());
}

TEST_CASE("I8: generations that follow each other fast do not pile up, nor do derived leaves") {
  SealedBroker broker({{"a", true}});
  const Steady t{1000min};
  ToldKeys keys;
  for (broker.generation = 1; broker.generation <= 20; ++broker.generation) {
    REQUIRE(keys.take(broker.answer(t), t));
  }
  std::size_t known = 0;
  for (std::uint64_t g = 1; g <= 20; ++g) known += keys.leaf(Period::of(g, 1000), "a.b") != nullptr ? 1 : 0;
  CHECK(known == ToldKeys::kPeriods / 3);
  CHECK(keys.leaf(Period::of(20, 1000), "a.b") != nullptr);
  for (std::size_t i = 0; i < ToldKeys::kDerivedLeaves + 10; ++i) {
    REQUIRE(keys.leaf(Period::of(20, 1000), "a." + std::to_string(i)) != nullptr);
  }
  CHECK((*keys.leaf(Period::of(20, 1000), "a.3") == broker.tree.leaf(Period::of(20, 1000), "a.3")));
}
