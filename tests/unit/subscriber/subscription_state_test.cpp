// How a subscription is told the state: as its queue gets room, in turn with others, never what is refused as
// too old.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "tests/unit/subscriber/subscription_bench.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

using Bench = SubscriptionBench;

}  // namespace

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
