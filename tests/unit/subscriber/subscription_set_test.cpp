// What an application can do wrong with a subscription, under an executor and a clock stepped by hand.
#include "subscriber/delivery/subscription_set.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "tests/unit/subscriber/subscription_bench.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Kind = SubscriptionEvent::Kind;
using Bench = SubscriptionBench;

std::string field_of(const Bench& bench, Subscription s) {
  if (!s.callback) s.callback = [](const SubscriptionEvent&) {};
  SubscriptionSet set({}, {});
  const auto id = set.subscribe(std::move(s), bench.follow);
  return id ? "" : id.error().field.value_or("no field");
}

}  // namespace

TEST_CASE("a subscription that cannot be is refused, and the field is named") {
  Bench bench;
  Subscription s;
  s.ns = "a";
  CHECK(field_of(bench, s) == "");
  s.keys = "x\\";
  CHECK(field_of(bench, s) == "keys");
  s.keys = "";
  CHECK(field_of(bench, s) == "keys");
  s.keys = std::string(600, 'x');
  CHECK(field_of(bench, s) == "keys");
  s = {};
  s.ns = "not.followed";
  CHECK(field_of(bench, s) == "ns");
  s.ns = "sub.tree.below";
  CHECK(field_of(bench, s) == "");
  s.subtree = "b";
  CHECK(field_of(bench, s) == "subtree");
  s.ns.reset();
  CHECK(field_of(bench, s) == "");
  s.queue_length_max = 0;
  CHECK(field_of(bench, s) == "queue_length_max");
  s = {};
  s.on_background_thread = true;
  s.executor = [](const std::function<void()>&) {};
  CHECK(field_of(bench, s) == "executor");
}

TEST_CASE("a subscription may be blocked for ten years, not longer and not for less than no time") {
  Bench bench;
  const auto blocked_for = [&](std::chrono::milliseconds at_most) {
    Subscription s;
    s.block_at_most = at_most;
    return field_of(bench, s);
  };
  CHECK(blocked_for(0ms) == "");
  CHECK(blocked_for(kDurationMax) == "");
  CHECK(blocked_for(kDurationMax + 1ms) == "block_at_most");
  CHECK(blocked_for(std::chrono::milliseconds::max()) == "block_at_most");
  CHECK(blocked_for(-1ms) == "block_at_most");
}

TEST_CASE("a glob that matches no key is no error: nothing is told") {
  Bench bench;
  Subscription s;
  s.keys = "nobody/**";
  s.initial = true;
  bench.subscribe(s);
  bench.put("x", 1);
  bench.run();
  CHECK(bench.heard.empty());
}

TEST_CASE("a callback that throws is caught, counted and logged, and the next event is told") {
  Bench bench;
  int calls = 0;
  Subscription s;
  s.name = "moody";
  s.callback = [&](const SubscriptionEvent&) {
    if (++calls == 1) throw std::runtime_error("of the application");
    if (calls == 2) throw 17;
  };
  bench.subscribe(s);
  for (char v = 1; v <= 3; ++v) bench.put("x", v);
  bench.run();
  CHECK(calls == 3);
  CHECK(bench.status().exceptions == 2);
  CHECK(bench.set.exceptions() == 2);
  REQUIRE_FALSE(bench.logged.empty());
  CHECK(bench.logged.front().find("callback_threw") != std::string::npos);
  CHECK(bench.logged.front().find("name=moody") != std::string::npos);
}

TEST_CASE("a callback may unsubscribe itself: it is the last one") {
  Bench bench;
  int calls = 0;
  SubscriptionId id;
  Subscription s;
  s.on_background_thread = GENERATE(false, true);
  s.callback = [&](const SubscriptionEvent&) {
    ++calls;
    CHECK(bench.set.unsubscribe(id));
  };
  id = bench.subscribe(s);
  for (char v = 1; v <= 3; ++v) bench.put("x", v);
  bench.run();
  CHECK(calls == 1);
  CHECK(bench.set.list().empty());
  CHECK(bench.set.unsubscribe(id).error().code == ErrorCode::not_found);
}

TEST_CASE("a callback that blocks for 10 s delays nobody else, loses nothing, and its counters say so") {
  Bench bench;
  std::vector<std::string> slow_heard;
  Subscription slow;
  slow.callback = [&](const SubscriptionEvent& e) {
    slow_heard.push_back(std::string(name_of(e.kind)) + " " + std::string(e.key));
    if (slow_heard.size() > 1) return;
    for (int second = 1; second <= 10; ++second) {  // what the other threads do meanwhile
      bench.now += 1s;
      bench.put("x", static_cast<char>(second));
      bench.run();
      CHECK(bench.heard.size() == static_cast<std::size_t>(second) + 1);
    }
  };
  bench.subscribe({});
  bench.subscribe(slow);
  bench.put("x", 0x7f);
  bench.run();
  std::vector<std::string> all(11, "changed x");
  all.front() = "added x";
  CHECK(bench.heard == all);
  CHECK(slow_heard == all);
  CHECK(bench.set.list().back().callback_time_max == 10s);
  CHECK(bench.set.list().back().resyncs == 0);
}

TEST_CASE("a pause never resumed keeps memory bounded, and a resume tells the state (I6)") {
  for (const QueuePolicy policy : {QueuePolicy::block, QueuePolicy::latest_only, QueuePolicy::resync}) {
    Bench bench;
    Subscription s;
    s.policy = policy;
    s.queue_length_max = 4;
    const auto id = bench.subscribe(s);
    REQUIRE(bench.set.pause(id));
    std::size_t longest = 0;
    for (int i = 0; i < 1000; ++i) {
      bench.put("k" + std::to_string(i % 20), static_cast<char>(i % 100));
      (void)bench.steps.step(bench.set);
      longest = std::max(longest, bench.status().queue_length);
    }
    CHECK(bench.heard.empty());
    CHECK(longest <= 4 * kBacklogTimes);
    CHECK(bench.status().resyncs >= 1);
    REQUIRE(bench.set.resume(id, Resume::catch_up));
    bench.run();
    REQUIRE(bench.heard.size() == 21);
    CHECK(bench.heard.front() == "resync ");
  }
}

TEST_CASE("latest_only: kinds that were not asked for neither wait nor count as conflated") {
  Bench bench;
  Subscription s;
  s.policy = QueuePolicy::latest_only;
  const auto id = bench.subscribe(s);
  REQUIRE(bench.set.pause(id));
  for (const char* key : {"x", "y", "z"}) {  // each is also a namespace_changed
    bench.put(key, 1);
    bench.run();
  }
  CHECK(bench.status().queue_length == 3);
  CHECK(bench.status().conflated == 0);
}

TEST_CASE("latest_only on the background thread tells what was asked for and nothing else") {
  Bench bench;
  Subscription s;
  s.policy = QueuePolicy::latest_only;
  s.on_background_thread = true;
  s.operations = {};
  s.operations.changed = false;
  bench.subscribe(s);
  bench.put("x", 1);
  bench.put("x", 2);
  bench.put("y", 1);
  bench.run();
  CHECK(bench.heard == std::vector<std::string>{"added x", "added y"});
}

TEST_CASE("resume catches up with every step, or jumps to the latest, as the caller says") {
  for (const Resume how : {Resume::catch_up, Resume::jump_to_latest}) {
    Bench bench;
    const auto id = bench.subscribe({});
    bench.put("x", 1);
    bench.run();
    REQUIRE(bench.set.pause(id));
    bench.put("x", 2);
    bench.put("x", 3);
    bench.run();
    CHECK(bench.heard == std::vector<std::string>{"added x"});
    CHECK(bench.status().queue_length == 2);
    REQUIRE(bench.set.resume(id, how));
    bench.run();
    if (how == Resume::catch_up) {
      CHECK(bench.heard == std::vector<std::string>{"added x", "changed x", "changed x"});
    } else {
      CHECK(bench.heard == std::vector<std::string>{"added x", "resync ", "added x"});
      CHECK(bench.status().dropped == 2);
    }
  }
}

TEST_CASE("block: after block_at_most without a break the subscription falls back to a resync (I6)") {
  Bench bench;
  Subscription s;
  s.queue_length_max = 1;
  s.block_at_most = 10s;
  bench.subscribe(s);
  bench.put("x", 1);
  bench.run();
  bench.put("x", 2);
  bench.put("x", 3);
  (void)bench.steps.step(bench.set);  // the executor does not come to run it
  CHECK(bench.status().blocked);
  bench.now += 9s;
  (void)bench.steps.step(bench.set);
  CHECK(bench.status().resyncs == 0);
  bench.now += 1s;
  (void)bench.steps.step(bench.set);
  CHECK(bench.status().resyncs == 1);
  bench.run();
  CHECK(bench.heard == std::vector<std::string>{"added x", "resync ", "added x"});
}
