// What waits for one subscription: order, conflation, limits.
#include "subscriber/delivery/subscription_queue.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Kind = SubscriptionEvent::Kind;

SubscriptionEvent event(Kind kind, std::string_view key, std::uint64_t seq, std::string_view before = {},
                        std::string_view after = {}) {
  SubscriptionEvent e;
  e.kind = kind;
  e.ns = "a";
  e.key = key;
  e.seq = Seq(seq);
  if (!before.empty()) e.before = ValueView{before, Revision(), 0, {}};
  if (!after.empty()) e.after = ValueView{after, Revision(), 0, {}};
  return e;
}

SubscriptionQueue queue_of(QueuePolicy policy, std::size_t length, std::size_t bytes = 1u << 20) {
  return SubscriptionQueue({policy, length, bytes, 10s});
}

}  // namespace

TEST_CASE("latest_only keeps the net change of a key, where its last part came (Q2)") {
  auto queue = queue_of(QueuePolicy::latest_only, 10);
  CHECK(queue.push(event(Kind::changed, "x", 1, "1", "2"), Steady{}));
  CHECK(queue.push(event(Kind::changed, "y", 2, "5", "6"), Steady{}));
  CHECK(queue.push(event(Kind::changed, "x", 3, "2", "3"), Steady{}));
  REQUIRE(queue.size() == 2);
  CHECK(queue.pop()->event().key == "y");
  const auto x = queue.pop();
  CHECK(x->event().seq == Seq(3));
  CHECK(x->event().before->bytes == "1");
  CHECK(x->event().after->bytes == "3");
  CHECK(queue.bytes() == 0);
  CHECK(queue.counters().conflated == 1);
}

TEST_CASE("latest_only: added and then deleted is nothing, deleted and then added is changed") {
  auto queue = queue_of(QueuePolicy::latest_only, 10);
  CHECK(queue.push(event(Kind::added, "x", 1, {}, "1"), Steady{}));
  CHECK(queue.push(event(Kind::deleted, "x", 2, "1"), Steady{}));
  CHECK(queue.size() == 0);
  CHECK(queue.bytes() == 0);
  CHECK(queue.counters().conflated == 2);
  CHECK(queue.push(event(Kind::deleted, "x", 3, "1"), Steady{}));
  CHECK(queue.push(event(Kind::added, "x", 4, {}, "2"), Steady{}));
  const auto net = queue.pop();
  REQUIRE(net);
  CHECK(net->event().kind == Kind::changed);
  CHECK(net->event().before->bytes == "1");
}

TEST_CASE("a queue over its length is dropped for one resync, which is first and only (Q1 Q3)") {
  for (const QueuePolicy policy : {QueuePolicy::resync, QueuePolicy::latest_only}) {
    auto queue = queue_of(policy, 2);
    CHECK(queue.push(event(Kind::changed, "x", 1, "1", "2"), Steady{}));
    CHECK(queue.push(event(Kind::changed, "y", 2, "1", "2"), Steady{}));
    CHECK_FALSE(queue.push(event(Kind::changed, "z", 3, "1", "2"), Steady{}));
    REQUIRE(queue.size() == 1);
    CHECK(queue.pop()->event().kind == Kind::resync);
    CHECK(queue.counters().dropped == 3);
    CHECK(queue.counters().resyncs == 1);
  }
}

TEST_CASE("a queue over its bytes is dropped for a resync, but one event always fits (Q1)") {
  for (const QueuePolicy policy : {QueuePolicy::block, QueuePolicy::resync, QueuePolicy::latest_only}) {
    auto queue = queue_of(policy, 100, 100);
    CHECK(queue.push(event(Kind::changed, "x", 1, "1", std::string(5000, 'v')), Steady{}));
    CHECK_FALSE(queue.push(event(Kind::changed, "y", 2, "1", "2"), Steady{}));
    CHECK(queue.size() == 1);
  }
}

TEST_CASE("block keeps every step beyond the length, for a time and to a limit (Q1)") {
  auto queue = queue_of(QueuePolicy::block, 2);
  const Steady start{};
  for (std::uint64_t i = 1; i <= 2; ++i) CHECK(queue.push(event(Kind::changed, "x", i, "1", "2"), start));
  CHECK_FALSE(queue.blocked());
  CHECK(queue.push(event(Kind::changed, "x", 3, "1", "2"), start));
  CHECK(queue.blocked());
  CHECK_FALSE(queue.blocked_too_long(start + 9999ms));
  CHECK(queue.blocked_too_long(start + 10s));
  queue.forgive(start + 10s);
  CHECK_FALSE(queue.blocked_too_long(start + 19s));
  CHECK(queue.pop()->event().seq == Seq(1));
  CHECK_FALSE(queue.blocked());
  for (std::uint64_t i = 4; i < 4 + 2 * kBacklogTimes - 2; ++i) {
    CHECK(queue.push(event(Kind::changed, "x", i, "1", "2"), start));
  }
  CHECK(queue.size() == 2 * kBacklogTimes);
  CHECK_FALSE(queue.push(event(Kind::changed, "x", 99, "1", "2"), start));
  CHECK(queue.size() == 1);
}
