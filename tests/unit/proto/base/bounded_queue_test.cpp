#include "proto/base/bounded_queue.hpp"

#include <poll.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace prismbus {

TEST_CASE("I8: a full queue refuses and leaves the value with its owner") {
  BoundedQueue<std::unique_ptr<int>> queue(2, nullptr);
  CHECK(queue.try_push(std::make_unique<int>(1)));
  CHECK(queue.try_push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  CHECK_FALSE(queue.try_push(std::move(third)));
  REQUIRE(third != nullptr);
  CHECK(*third == 3);
  CHECK(queue.size() == 2);

  std::vector<std::unique_ptr<int>> out;
  CHECK(queue.drain(out) == 2);
  CHECK(queue.size() == 0);
  CHECK(queue.try_push(std::move(third)));
}

TEST_CASE("drain appends in order behind what is there") {
  BoundedQueue<int> queue(10, nullptr);
  std::vector<int> out{0};
  for (int i = 1; i <= 3; ++i) CHECK(queue.try_push(int{i}));
  CHECK(queue.drain(out) == 3);
  CHECK(out == std::vector<int>{0, 1, 2, 3});
  CHECK(queue.drain(out) == 0);
}

TEST_CASE("values of several threads all arrive, each thread's in order, and the consumer is woken") {
  constexpr int kThreads = 4, kEach = 5000;
  Waker waker;
  BoundedQueue<std::pair<int, int>> queue(64, &waker);
  std::vector<std::thread> producers;
  for (int t = 0; t < kThreads; ++t) {
    producers.emplace_back([&queue, t] {
      for (int i = 0; i < kEach; ++i) {
        std::pair<int, int> value{t, i};
        while (!queue.try_push(std::move(value))) std::this_thread::yield();
      }
    });
  }
  std::vector<int> next(kThreads, 0);
  std::vector<std::pair<int, int>> batch;
  bool in_order = true;
  for (int got = 0; got < kThreads * kEach;) {
    pollfd woken{waker.fd(), POLLIN, 0};
    REQUIRE(::poll(&woken, 1, 10'000) == 1);
    waker.clear();
    batch.clear();
    got += static_cast<int>(queue.drain(batch));
    for (const auto& [thread, i] : batch)
      in_order = in_order && next[static_cast<std::size_t>(thread)]++ == i;
  }
  for (std::thread& producer : producers) producer.join();
  CHECK(in_order);
}

}  // namespace prismbus
