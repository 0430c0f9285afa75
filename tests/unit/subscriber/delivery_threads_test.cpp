// The threads callbacks run on: a task that blocks takes one thread and delays nobody, up to the limit, and
// the end waits for what runs and drops what waits.
#include "subscriber/delivery/delivery_threads.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>

using namespace prismbus;

namespace {

constexpr std::size_t kMax = DeliveryThreads::kThreadsMax;

// Tasks that block until the gate opens; `begun` says how many run.
struct Gate {
  std::function<void()> task() {
    return [this] {
      begun.fetch_add(1);
      begun.notify_all();
      opened.wait();
      ended.fetch_add(1);
    };
  }
  void wait_begun(std::size_t n) const {
    for (std::size_t now = begun.load(); now < n; now = begun.load()) begun.wait(now);
  }
  void open() { promise.set_value(); }

  std::atomic<std::size_t> begun{0}, ended{0};
  std::promise<void> promise;
  std::shared_future<void> opened = promise.get_future().share();
};

// A task, and when it has run.
std::pair<std::function<void()>, std::future<std::thread::id>> telling_task() {
  auto done = std::make_shared<std::promise<std::thread::id>>();
  auto future = done->get_future();
  return {[done] { done->set_value(std::this_thread::get_id()); }, std::move(future)};
}

}  // namespace

TEST_CASE("no thread is started before there is a task, and none runs on the caller's") {
  DeliveryThreads threads;
  CHECK(threads.threads() == 0);
  auto [task, done] = telling_task();
  threads.post(std::move(task));
  CHECK(done.get() != std::this_thread::get_id());
  CHECK(threads.threads() == 1);
}

TEST_CASE("tasks that block take a thread each and delay nobody until kThreadsMax of them block") {
  Gate gate;
  DeliveryThreads threads;
  for (std::size_t i = 1; i < kMax; ++i) threads.post(gate.task());
  gate.wait_begun(kMax - 1);
  for (int i = 0; i < 100; ++i) {
    auto [task, done] = telling_task();
    threads.post(std::move(task));
    done.wait();
  }
  CHECK(gate.ended == 0);
  for (int i = 0; i < 9; ++i) threads.post(gate.task());  // one runs, eight wait
  gate.wait_begun(kMax);
  CHECK(threads.threads() == kMax);
  CHECK(gate.begun == kMax);
  gate.open();
  gate.wait_begun(kMax + 8);
  threads.stop();
  CHECK(gate.ended == kMax + 8);
}

TEST_CASE("stop waits for what runs, destroys what waits, and afterwards nothing is taken") {
  Gate gate;
  DeliveryThreads threads;
  for (std::size_t i = 0; i < kMax; ++i) threads.post(gate.task());
  gate.wait_begun(kMax);
  std::atomic<bool> ran{false};
  const auto post = [&] {
    auto token = std::make_shared<int>(0);
    std::weak_ptr<int> alive = token;
    threads.post([&ran, token = std::move(token)] { ran = true; });
    return alive;
  };
  const auto waiting = post();
  CHECK_FALSE(waiting.expired());
  std::size_t ended = 0;
  std::thread ender([&] {
    threads.stop();
    ended = gate.ended;
  });
  while (threads.threads() > 0) std::this_thread::yield();  // it has begun: nothing waiting is run any more
  gate.open();
  ender.join();
  CHECK(ended == kMax);
  CHECK(waiting.expired());
  CHECK(post().expired());
  CHECK_FALSE(ran);
}
