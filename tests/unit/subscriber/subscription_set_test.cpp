// What an application can do wrong with a subscription, under an executor and a clock stepped by hand.
#include "subscriber/subscription_set.hpp"

#include <poll.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "tests/unit/subscriber/shown_steps.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Kind = SubscriptionEvent::Kind;

struct Bench {
  SubscriptionId subscribe(Subscription s) {
    if (!s.callback) {
      s.callback = [this](const SubscriptionEvent& e) {
        heard.push_back(std::string(name_of(e.kind)) + " " + std::string(e.key));
      };
    }
    return set.subscribe(std::move(s), follow).value();
  }
  void put(const std::string& key, char value) { steps.set("a", {{key, std::string(1, value)}}); }
  void run() {
    for (int i = 0; i < 100; ++i) {
      (void)steps.step(set);
      auto now_tasks = std::exchange(tasks, {});
      for (auto& task : now_tasks) task();
    }
  }
  SubscriptionStatus status() const { return set.list().front(); }
  // Whether the background thread would go on at once; it is awake then.
  bool woken() {
    pollfd item{waker->fd(), POLLIN, 0};
    if (::poll(&item, 1, 0) != 1) return false;
    waker->clear();
    return true;
  }

  Steady now{};
  std::vector<std::string> heard, logged;
  std::vector<std::function<void()>> tasks;
  const FollowSet follow = FollowSet::make({"a", "b.c"}, {"sub.tree"}).value();
  const std::shared_ptr<Waker> waker = std::make_shared<Waker>();
  SubscriptionSet set{{[this] { return now; }, waker,
                       [this](std::function<void()> task) { tasks.push_back(std::move(task)); }},
                      [this](LogLevel, std::string_view line) { logged.emplace_back(line); }};
  ShownSteps steps;
};

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

TEST_CASE("a large state is read as the queue gets room, and is no overflow") {
  Bench bench;
  ShownSteps::Changes all;
  for (int i = 0; i < 5000; ++i) all["k" + std::to_string(i)] = "1";
  Subscription s;
  s.queue_length_max = 100;
  bench.subscribe(s);
  bench.steps.snapshot("a", all);
  std::size_t longest = 0;
  for (int i = 0; i < 200; ++i) {
    (void)bench.steps.step(bench.set);
    longest = std::max(longest, bench.status().queue_length);
    auto now_tasks = std::exchange(bench.tasks, {});
    for (auto& task : now_tasks) task();
  }
  CHECK(bench.heard.size() == 5000);
  CHECK(longest <= 100);
  CHECK(bench.status().resyncs == 0);
}

TEST_CASE("an executor that throws or drops a task is tried again") {
  Bench bench;
  int posts = 0;
  Subscription s;
  s.executor = [&](std::function<void()> task) {
    ++posts;
    if (posts == 1) throw std::runtime_error("full");
    if (posts > 2) bench.tasks.push_back(std::move(task));
  };
  bench.subscribe(s);
  bench.put("x", 1);
  bench.run();
  CHECK(bench.heard == std::vector<std::string>{"added x"});
  CHECK(bench.status().executor_failures == 2);
}

TEST_CASE(
    "an executor that runs tasks at once is not nested deeper the more waits, and all is told in order") {
  Bench bench;
  int depth = 0, deepest = 0;
  std::vector<char> told;
  Subscription s;
  s.executor = [&](const std::function<void()>& task) {
    deepest = std::max(deepest, ++depth);
    task();
    --depth;
  };
  s.callback = [&](const SubscriptionEvent& e) {
    told.push_back(e.after->bytes[0]);
    bench.now += 11ms;  // a task has had its time
  };
  bench.subscribe(s);
  for (char v = 1; v <= 50; ++v) bench.put("x", v);
  bench.run();
  CHECK(deepest <= 2);
  CHECK(told.size() == 50);
  CHECK(std::is_sorted(told.begin(), told.end()));
  CHECK(bench.status().executor_failures == 0);
}

TEST_CASE("what is refused as too old is not told as state either, until it is live again") {
  const auto how = GENERATE(0, 1, 2);
  CAPTURE(how);
  Bench bench;
  bench.put("x", 1);
  bench.put("y", 2);
  (void)bench.steps.step(bench.set);
  bench.steps.refuse("a", true);
  (void)bench.steps.step(bench.set);
  Subscription s;
  s.initial = how == 0;
  s.queue_length_max = 2;
  s.policy = QueuePolicy::resync;
  const auto id = bench.subscribe(s);
  bench.run();
  CHECK(bench.heard.empty());
  std::vector<std::string> expected;
  if (how == 1) {
    REQUIRE(bench.set.resume(id, Resume::jump_to_latest));
    expected.emplace_back("resync ");
  } else if (how == 2) {  // three changes do not fit
    for (char v = 3; v <= 5; ++v) bench.put("y", v);
    expected.emplace_back("resync ");
  }
  bench.run();
  CHECK(bench.heard == expected);
  bench.put("z", 6);  // it catches up: the state will tell it
  bench.run();
  CHECK(bench.heard == expected);
  bench.steps.refuse("a", false);
  bench.run();
  std::sort(bench.heard.begin() + static_cast<std::ptrdiff_t>(expected.size()), bench.heard.end());
  expected.insert(expected.end(), {"added x", "added y", "added z"});
  CHECK(bench.heard == expected);
}

TEST_CASE("while a state is read the thread is woken as soon as there is room for more of it") {
  Bench bench;
  ShownSteps::Changes all;
  for (int i = 0; i < 2000; ++i) all["k" + std::to_string(i)] = std::string(1, static_cast<char>(i % 100));
  Subscription s;
  s.queue_length_max = 100;
  const bool paused_inline = GENERATE(false, true);
  s.on_background_thread = paused_inline;
  const auto id = bench.subscribe(s);
  if (paused_inline) {
    (void)bench.steps.step(bench.set);
    REQUIRE(bench.set.pause(id));
  }
  bench.steps.snapshot("a", all);
  (void)bench.steps.step(bench.set);
  if (paused_inline) REQUIRE(bench.set.resume(id, Resume::jump_to_latest));
  bench.waker->wake();
  while (bench.woken()) {
    while (bench.steps.step(bench.set)) {
    }
    auto now_tasks = std::exchange(bench.tasks, {});
    for (auto& task : now_tasks) task();
  }
  CHECK(std::count(bench.heard.begin(), bench.heard.end(), "resync ") == (paused_inline ? 1 : 0));
  CHECK(bench.heard.size() == (paused_inline ? 2001 : 2000));
}

TEST_CASE("a first picture with more bytes than the queue holds is read piece by piece, and is no overflow") {
  Bench bench;
  ShownSteps::Changes all;
  for (int i = 0; i < 10; ++i) all["k" + std::to_string(i)] = std::string(3000, 'v');
  Subscription s;
  s.queue_bytes_max = 10'000;
  s.policy = GENERATE(QueuePolicy::block, QueuePolicy::latest_only, QueuePolicy::resync);
  bench.subscribe(s);
  (void)bench.steps.step(bench.set);
  bench.steps.snapshot("a", all);
  bench.run();
  CHECK(bench.heard.size() == 10);
  CHECK(bench.status().resyncs == 0);
}

TEST_CASE("however many are told a state, a step reads so many keys, and each has its turn") {
  Bench bench;
  ShownSteps::Changes all;
  for (int i = 0; i < 5000; ++i) all["k" + std::to_string(i)] = "1";
  bench.steps.snapshot("a", all);
  (void)bench.steps.step(bench.set);
  std::map<int, std::size_t> told;
  for (int i = 0; i < 3; ++i) {
    Subscription s;
    s.initial = true;
    s.on_background_thread = true;
    s.callback = [&told, i](const SubscriptionEvent&) { ++told[i]; };
    bench.subscribe(s);
  }
  for (std::size_t step = 1; step <= 3; ++step) {
    CHECK(bench.steps.step(bench.set));
    CHECK(told[0] + told[1] + told[2] == step * SubscriptionSet::kVisitsMax);
    CHECK(told[static_cast<int>(step) - 1] > 0);
  }
  CHECK_FALSE(bench.steps.step(bench.set));
  for (const auto& [i, count] : told) CHECK(count == 5000);
}
