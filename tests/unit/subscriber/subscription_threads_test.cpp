// Subscriptions that are ended on several threads: who waits for whom, and what runs under no lock.
#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <thread>

#include "subscriber/delivery/delivery_threads.hpp"
#include "tests/unit/subscriber/shown_steps.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 10s;

template <class Condition>
bool eventually(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

template <class T>
bool in_time(const std::future<T>& done) {
  return done.wait_for(kPatience) == std::future_status::ready;
}

// Callbacks on threads of their own; the test's thread is the background thread unless it says otherwise.
struct Bench {
  ~Bench() { threads.stop(); }
  SubscriptionId subscribe(std::function<void()> callback) {
    Subscription s;
    s.callback = [told = std::move(callback)](const SubscriptionEvent&) { told(); };
    return set.subscribe(std::move(s), follow).value();
  }
  // Every callback is begun by it.
  void step() {
    steps.set("a", {{"x", std::string(1, static_cast<char>(++value))}});
    (void)steps.step(set);
  }

  char value = 0;
  const FollowSet follow = FollowSet::make({"a"}, {}).value();
  DeliveryThreads threads;
  SubscriptionSet set{{[] { return read_clock().steady; }, nullptr,
                       [this](std::function<void()> task) { threads.post(std::move(task)); }},
                      {}};
  ShownSteps steps;
};

}  // namespace

TEST_CASE("what a callback owns is let go under no lock: its end may use the subscriber, on any thread") {
  Bench bench;
  std::future<std::size_t> listed;
  bool answered = false;
  const auto at_its_end = [&](void*) {
    listed = std::async(std::launch::async, [&] { return bench.set.list().size(); });
    answered = in_time(listed);
  };
  const auto id = bench.subscribe([owned = std::shared_ptr<void>(&bench, at_its_end)] {});
  (void)bench.steps.step(bench.set);
  REQUIRE(bench.set.unsubscribe(id));
  CHECK_FALSE(listed.valid());  // the background thread has it still
  (void)bench.steps.step(bench.set);
  REQUIRE(listed.valid());
  CHECK(answered);
  CHECK(listed.get() == 0);
}

TEST_CASE("the background thread, in whatever it calls, does not wait for a callback it unsubscribes (D2)") {
  Bench bench;
  std::promise<void> release, ended;
  std::atomic<bool> inside{false};
  const auto id = bench.subscribe([&, released = release.get_future().share()] {
    inside = true;
    released.wait();
  });
  std::thread background([&] {
    bench.step();
    if (eventually([&] { return inside.load(); })) (void)bench.set.unsubscribe(id);
    ended.set_value();
  });
  CHECK(in_time(ended.get_future()));
  CHECK(inside);
  CHECK(bench.set.list().empty());
  release.set_value();
  background.join();
}

TEST_CASE("a callback that was unsubscribed meanwhile does not wait for another one (D2)") {
  Bench bench;
  std::promise<void> release, ended;
  std::atomic<int> inside{0};
  const bool by_itself = GENERATE(true, false);
  SubscriptionId first, second;
  second = bench.subscribe([&, released = release.get_future().share()] {
    ++inside;
    released.wait();
  });
  first = bench.subscribe([&] {
    ++inside;
    if (by_itself) (void)bench.set.unsubscribe(first);
    (void)eventually([&] { return inside == 2 && bench.set.list().size() == 1; });
    (void)bench.set.unsubscribe(second);
    ended.set_value();
  });
  bench.step();
  CHECK(eventually([&] { return inside == 2; }));
  std::thread other;
  if (!by_itself) {
    // Waits until the callback has ended, and is out of the list at once.
    other = std::thread([&] { (void)bench.set.unsubscribe(first); });
  }
  CHECK(in_time(ended.get_future()));
  CHECK(bench.set.list().empty());
  release.set_value();
  if (other.joinable()) other.join();
}

TEST_CASE("elsewhere unsubscribe waits until the callback under way has ended (D2)") {
  Bench bench;
  std::promise<void> release;
  std::atomic<bool> inside{false}, over{false}, waited{false};
  const auto id = bench.subscribe([&, released = release.get_future().share()] {
    inside = true;
    released.wait();
    over = true;
  });
  bench.step();
  REQUIRE(eventually([&] { return inside.load(); }));
  std::thread other([&] {
    (void)bench.set.unsubscribe(id);
    waited = over.load();
  });
  CHECK(eventually([&] { return bench.set.list().empty(); }));
  release.set_value();
  other.join();
  CHECK(waited);
}
