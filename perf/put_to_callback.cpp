// Benchmark: from the intended moment of a put to the callback of a subscriber in another connection, at a
// fixed rate (open loop: a stall delays what follows and shows). Ours is the two client libraries and the
// broker; raw is the same path with nothing in it: a ROUTER, LMDB append and sync, a PUB, and libzmq sockets
// at the ends.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <zmq.h>

#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <thread>

#include "perf/bench.hpp"
#include "perf/histogram.hpp"
#include "publisher/publisher.hpp"
#include "subscriber/subscriber.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kPerSecond = 500;
constexpr std::size_t kDigits = 8;  // of the event's number, at the start of its value

// When each event was meant to be sent, and the histogram of when it was seen. seen() runs on one other
// thread.
class OpenLoop {
 public:
  OpenLoop(std::uint64_t events, std::uint64_t warm_up) : events_(events), warm_up_(warm_up) {}

  // Sends events 0..n at their times; the calling thread sleeps between them.
  void run(const std::function<void(std::uint64_t)>& send) {
    ::prctl(PR_SET_TIMERSLACK, 1);  // nanoseconds; the default adds 50 us to every sleep
    start_ = Clock::now() + std::chrono::milliseconds(10);
    started_.store(true, std::memory_order_release);
    for (std::uint64_t i = 0; i < events_; ++i) {
      std::this_thread::sleep_until(intended(i));
      send(i);
    }
  }

  void seen(std::uint64_t event) {
    const auto now = Clock::now();
    if (!started_.load(std::memory_order_acquire) || event >= events_) return;
    if (event >= warm_up_) times_.record(now - intended(event));
    seen_.fetch_add(1, std::memory_order_release);
  }

  [[nodiscard]] bool wait_all(std::chrono::seconds at_most) const {
    const auto give_up = Clock::now() + at_most;
    while (seen_.load(std::memory_order_acquire) < events_ && Clock::now() < give_up) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return seen_.load(std::memory_order_acquire) == events_;
  }
  [[nodiscard]] const LatencyHistogram& times() const { return times_; }  // after wait_all

 private:
  [[nodiscard]] Clock::time_point intended(std::uint64_t event) const {
    return start_ + event * std::chrono::nanoseconds(1'000'000'000 / kPerSecond);
  }
  const std::uint64_t events_, warm_up_;
  Clock::time_point start_{};
  std::atomic<bool> started_{false};
  std::atomic<std::uint64_t> seen_{0};
  LatencyHistogram times_;
};

std::string numbered_value(std::uint64_t event) {
  std::string value = encoded_value(kValueBytes);
  const std::string digits = fmt::format("{:08}", event);
  return value.replace(2, kDigits, digits);
}

std::uint64_t number_in(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char c : digits.substr(0, kDigits)) number = number * 10 + static_cast<std::uint64_t>(c - '0');
  return number;
}

Result<LatencyHistogram, std::string> run_ours(const Bench& bench, std::uint64_t events) {
  auto broker = bench.start_broker("callback");
  if (!broker) return tl::unexpected(broker.error());
  OpenLoop loop(events, events / 10);
  SubscriberOptions following;
  following.brokers = {broker->requests()};
  following.namespaces = {bench.keys().ns};
  const auto on_change = [&](const ChangeEvent& event) {
    if (event.after && event.after->bytes.size() == kValueBytes)
      loop.seen(number_in(event.after->bytes.substr(2)));
  };
  following.callbacks.added = on_change;
  following.callbacks.changed = on_change;
  auto subscriber = Subscriber::open(std::move(following));
  if (!subscriber) return tl::unexpected(subscriber.error().message);
  PublisherOptions writing;
  writing.brokers = {broker->requests()};
  auto publisher = Publisher::open(std::move(writing));
  if (!publisher) return tl::unexpected(publisher.error().message);
  if (!(*subscriber)->wait_live(std::chrono::seconds(10)))
    return tl::unexpected(std::string("the subscriber is not live"));
  if (!(*publisher)->hello().get()) return tl::unexpected(std::string("the publisher is not connected"));

  std::atomic<std::uint64_t> failed{0};
  loop.run([&](std::uint64_t event) {
    (*publisher)
        ->put(bench.keys().ns, key_name(event % 1000), EncodedValue{numbered_value(event)}, WriteCall{},
              [&](const Result<WriteOutcome>& done) { failed += !done.has_value(); });
  });
  if (!loop.wait_all(std::chrono::seconds(10))) return tl::unexpected(std::string("not every put was seen"));
  (void)(*publisher)->flush(std::chrono::seconds(10));
  (*publisher)->stop();
  (*subscriber)->stop();
  if (failed > 0) return tl::unexpected(fmt::format("{} puts failed", failed.load()));
  return loop.times();
}

Result<LatencyHistogram, std::string> run_raw(const Bench& bench, std::uint64_t events) {
  auto server = bench.start_raw("durable");
  if (!server) return tl::unexpected(server.error());
  const std::string topic = bench.keys().ns + "/";
  void* context = zmq_ctx_new();
  void *dealer = zmq_socket(context, ZMQ_DEALER), *sub = zmq_socket(context, ZMQ_SUB);
  const int linger = 0, timeout = 100;
  zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof(linger));
  zmq_setsockopt(sub, ZMQ_RCVTIMEO, &timeout, sizeof(timeout));
  zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic.data(), topic.size());
  zmq_connect(dealer, server->requests().c_str());
  zmq_connect(sub, server->changes().c_str());

  OpenLoop loop(events, events / 10);
  std::atomic<bool> joined{false}, stop{false};
  std::thread receiver([&] {
    std::array<char, 1024> frame{};
    while (!stop) {
      const int got = zmq_recv(sub, frame.data(), frame.size(), 0);
      if (got < static_cast<int>(topic.size() + kDigits + 2)) continue;
      joined = true;
      loop.seen(number_in(std::string_view(frame.data() + topic.size() + 2, kDigits)));
    }
  });
  const auto send = [&](std::uint64_t event) {
    std::array<char, 64> ignored{};
    while (zmq_recv(dealer, ignored.data(), ignored.size(), ZMQ_DONTWAIT) >= 0) {
    }
    const std::string value = numbered_value(event);
    zmq_send(dealer, "", 0, ZMQ_SNDMORE);
    zmq_send(dealer, value.data(), value.size(), 0);
  };
  for (int i = 0; i < 500 && !joined; ++i) {
    send(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // what was sent to join has been seen by now
  loop.run(send);
  const bool all = loop.wait_all(std::chrono::seconds(10));
  stop = true;
  receiver.join();
  zmq_close(dealer);
  zmq_close(sub);
  zmq_ctx_term(context);
  if (!all) return tl::unexpected(std::string("raw: not every event was seen"));
  return loop.times();
}

}  // namespace

Outcome bench_put_to_callback(Bench& bench) {
  const std::uint64_t events = bench.options().tiny ? 100 : 5'000;
  const auto raw = run_raw(bench, events);
  if (!raw) return tl::unexpected(raw.error());
  const auto ours = run_ours(bench, events);
  if (!ours) return tl::unexpected(ours.error());
  const std::string conditions = fmt::format(
      "{} puts/s, open loop, 200 B; publisher and subscriber libraries; raw = ROUTER + LMDB append "
      "and sync + PUB",
      kPerSecond);
  bench.report({.name = "put -> applied and told by callback, p50",
                .ours = duration(ours->at(0.5)),
                .raw = duration(raw->at(0.5)),
                .mark = "< 1 ms",
                .reached = ours->at(0.5) < std::chrono::milliseconds(1),
                .n = ours->count(),
                .conditions = conditions});
  bench.report({.name = "put -> applied and told by callback, p99",
                .ours = duration(ours->at(0.99)),
                .raw = duration(raw->at(0.99)),
                .mark = {},
                .reached = {},
                .n = ours->count(),
                .conditions = fmt::format("p99.9 {} (raw {}), max {} (raw {})",
                                          print(duration(ours->at(0.999))), print(duration(raw->at(0.999))),
                                          print(duration(ours->max())), print(duration(raw->max())))});
  return {};
}

}  // namespace prismbus::perf
