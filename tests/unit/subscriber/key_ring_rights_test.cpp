// I10 at the ring: a ring that holds all kinds of keys but the right one opens nothing. Random cases;
// PRISMBUS_SEED = that one.
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "subscriber/stream/key_ring.hpp"
#include "tests/unit/subscriber/sealed_broker.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

std::uint64_t chosen_seed() {
  const char* given = std::getenv("PRISMBUS_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// What is told to the ring besides its rights: keys that are wrong for `a.b` in every way a mistake or a
// liar could think of, under names that would fit.
void add_wrong_keys(KeysTold& told, const SealedBroker& broker, std::mt19937_64& random) {
  const KeyTree other(*StreamKey::from(std::string(32, 'm')), Epoch(10));
  for (const Period p : {told.period.previous(), told.period, told.period.next()}) {
    const Period older = Period::of(p.generation() - 1, p.minute());
    const Period earlier = Period::of(p.generation(), p.minute() - 5);
    switch (random() % 8) {
      case 0:  // a sibling's node, called a.b
        told.keys.push_back({"a.b", true, p, broker.tree.node(p, "a.c")});
        break;
      case 1:  // the parent's sibling, called the parent
        told.keys.push_back({"a", true, p, broker.tree.node(p, "b")});
        break;
      case 2:  // an old period's
        told.keys.push_back({"a.b", false, p, broker.tree.leaf(earlier, "a.b")});
        break;
      case 3:  // the generation's before the revocation
        told.keys.push_back({"", true, p, broker.tree.node(older, "")});
        break;
      case 4:  // another epoch's
        told.keys.push_back({"a.b", false, p, other.leaf(p, "a.b")});
        break;
      case 5:  // the node as if it were the leaf, the leaf as if it were the node
        told.keys.push_back({"a.b", false, p, broker.tree.node(p, "a.b")});
        told.keys.push_back({"a.b.c", true, p, broker.tree.leaf(p, "a.b")});
        break;
      case 6:  // below it
        told.keys.push_back({"a", true, p, broker.tree.node(p, "a.b.a")});
        break;
      default:  // the right key of a period that this answer cannot tell
        told.keys.push_back({"a.b", false, older, broker.tree.leaf(older, "a.b")});
    }
  }
}

}  // namespace

TEST_CASE("I10: a ring without the right opens no body of it, whatever other keys it holds") {
  const std::uint64_t seed = chosen_seed();
  std::printf("key_ring_rights_test: PRISMBUS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  INFO("PRISMBUS_SEED=" << seed);
  std::mt19937_64 random(seed);
  SealedBroker broker({{"a.c", true}, {"a.bc", false}, {"b", true}, {"a.b.c", true}, {"a", false}});
  broker.generation = 7;
  KeyRing ring(seed);
  Now now{Steady{1000min}, {}};
  std::size_t tried = 0, opened = 0;
  for (int round = 0; round < 1200; ++round) {
    now.steady += std::chrono::milliseconds(1000 + random() % 100'000);
    ring.forget();
    ring.on_joined(true, now);
    now.steady += 1s;
    ring.asked(now);
    KeysTold told = broker.answer(now.steady);
    if (round % 4 != 0) add_wrong_keys(told, broker, random);
    ring.on_reply(std::move(told), now);
    CHECK(ring.on_frame(Lane::changes, broker.frame("a.c.x", "mine", now.steady), now).body == "mine");
    for (int i = 0; i < 10; ++i) {
      const auto of = static_cast<std::int64_t>(random() % 3) - 1;
      std::string frame = broker.frame("a.b", "secret", now.steady + of * KeyRing::kPeriod);
      if (i == 8) frame.replace(0, 3, "a.c");  // under a topic that may be read
      if (i == 9) frame.replace(0, 3, "a.bc");
      opened += ring.on_frame(Lane::changes, frame, now).fate == FrameFate::opened ? 1 : 0;
      ++tried;
    }
    now.steady += 1s;
    if (ring.due(now)) ring.asked(now);  // not if all was forged at once
    ring.on_reply(broker.answer(now.steady), now);
    while (ring.take_opened()) ++opened;
  }
  CHECK(tried >= 10'000);
  CHECK(opened == 0);
  CHECK(ring.counters().opened == 1200);
}

TEST_CASE("I10: no frame with a bit changed opens, in any place of it") {
  const std::uint64_t seed = chosen_seed();
  std::printf("key_ring_rights_test: PRISMBUS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  INFO("PRISMBUS_SEED=" << seed);
  std::mt19937_64 random(seed);
  SealedBroker broker({{"", true}});
  KeyRing ring(seed);
  Now now{Steady{1000min}, {}};
  ring.on_joined(true, now);
  ring.asked(now);
  ring.on_reply(broker.answer(now.steady), now);
  std::size_t tried = 0, opened = 0;
  for (int round = 0; round < 40; ++round) {
    const std::string good = broker.frame("a.b", std::string(random() % 60, 'x'), now.steady);
    CHECK(ring.on_frame(Lane::changes, good, now).fate == FrameFate::opened);
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit, ++tried) {
      std::string flipped = good;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      opened += ring.on_frame(Lane::changes, flipped, now).fate == FrameFate::opened ? 1 : 0;
    }
    now.steady += 1s;
    if (ring.due(now)) ring.asked(now);
    ring.on_reply(broker.answer(now.steady), now);
    while (ring.take_opened()) ++opened;
  }
  CHECK(tried >= 10'000);
  CHECK(opened == 0);
}
