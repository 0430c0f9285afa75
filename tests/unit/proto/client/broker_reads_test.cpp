// The thread of BrokerReads: begun by the first read, ended whatever waits.
#include "proto/client/broker_reads.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

BrokerReadsOptions nobody_there() {
  BrokerReadsOptions options;
  options.brokers = {"tcp://127.0.0.1:1"};
  return options;
}

}  // namespace

TEST_CASE("every read asked from many threads is answered when it is stopped (I8)") {
  auto reads = BrokerReads::open(nobody_there()).value();
  constexpr int kThreads = 4;
  std::atomic<int> asked{0}, answered{0}, refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (bool stopped = false; !stopped;) {
        std::vector<ReadFuture<Entry>> answers;
        for (int i = 0; i < 100; ++i) answers.push_back(reads->get("a", "k"));
        asked.fetch_add(100);
        for (auto& answer : answers) {
          const ErrorCode code = answer.get().error().code;  // a lost one would wait for ever
          answered.fetch_add(1);
          if (code == ErrorCode::overloaded) refused.fetch_add(1);
          stopped = stopped || code == ErrorCode::unavailable;
        }
      }
    });
  }
  while (asked < kThreads * 100) std::this_thread::yield();
  reads->stop();
  for (auto& thread : threads) thread.join();
  CHECK(answered == asked);
  CHECK(refused > 0);  // of 400 at once 256 may be open
  CHECK(reads->get("a", "k").get().error().code == ErrorCode::unavailable);
}

TEST_CASE("reads that were never used stop at once, and their settings are checked by name") {
  auto reads = BrokerReads::open(nobody_there()).value();
  reads->stop();
  CHECK(reads->get("a", "k").get().error().code == ErrorCode::unavailable);
  auto wrong = nobody_there();
  wrong.timeout = 0ms;
  CHECK(BrokerReads::open(wrong).error().field == "timeout");
  wrong = nobody_there();
  wrong.open_max = 0;
  CHECK(BrokerReads::open(wrong).error().field == "open_max");
}

TEST_CASE("a read ends in its own time when nobody is there") {
  auto reads = BrokerReads::open(nobody_there()).value();
  ReadCall call;
  call.timeout = 50ms;
  const auto got = reads->get("a", "k", call).get();
  CHECK(got.error().code == ErrorCode::unavailable);
}
