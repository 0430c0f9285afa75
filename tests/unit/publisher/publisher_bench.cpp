// What a pipelined put costs the client: [.bench], release builds only. publisher_test "[.bench]"
// A door in a thread of its own answers everything at once; its time is not counted.
#include <catch2/catch.hpp>

#include <time.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "publisher/publisher.hpp"
#include "tests/unit/proto/transport/fake_request_door.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

double cpu_seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace

TEST_CASE("figures of pipelined puts", "[.bench]") {
  Context context;
  FakeRequestDoor door(context);
  std::atomic<bool> stop{false};
  std::atomic<double> door_cpu{0};
  std::thread server([&] {
    while (!stop) {
      while (auto received = door.receive()) {
        if (std::holds_alternative<HelloRequest>(received->request.body)) {
          door.reply_hello(*received);
        } else {
          door.reply_put(*received, 1, 1);
        }
      }
      door_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
      std::array<zmq_pollitem_t, 1> items{{{door.pollable(), 0, ZMQ_POLLIN, 0}}};
      poll_sockets(items, 10ms);
    }
  });
  PublisherOptions options;
  options.brokers = {door.endpoint()};
  auto publisher = Publisher::open(options);
  REQUIRE(publisher);
  REQUIRE((*publisher)->hello().get());
  constexpr int kPuts = 500'000;
  std::vector<std::string> keys;
  for (int i = 0; i < 10'000; ++i) keys.push_back("instrument/" + std::to_string(i));
  const EncodedValue value = EncodedValue::of(std::string(200, 'v'));
  std::atomic<int> answered{0};
  const double door_before = door_cpu, process_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const auto start = std::chrono::steady_clock::now();
  double caller = -cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  for (int i = 0; i < kPuts; ++i) {
    (*publisher)
        ->put("exchange.a", keys[static_cast<std::size_t>(i) % keys.size()], value, {},
              [&](Result<WriteOutcome> r) { answered.fetch_add(r ? 1 : 0, std::memory_order_relaxed); });
  }
  caller += cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  REQUIRE((*publisher)->flush(60s));
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double process = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - process_before;
  const double served = door_cpu - door_before;
  CHECK(answered == kPuts);
  WARN("puts/s " << kPuts / wall << ", caller " << caller / kPuts * 1e6
                 << " us a put, client with both contexts' I/O threads " << (process - served) / kPuts * 1e6
                 << " us a put");
  stop = true;
  server.join();
}
