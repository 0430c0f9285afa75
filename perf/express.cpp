// Benchmark: what a change on the express lane waits for while the normal lane is saturated and a large
// snapshot streams. Fixed rate (open loop), from the intended moment of a put to the subscriber's callback;
// first alone, then beside the load. The load is a thread that may use half a core, and a thread that reads
// the snapshot in chunks again and again. The mark compares with the same run: the idle p99 plus twice the
// commit's p99.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <time.h>

#include <atomic>
#include <map>
#include <thread>

#include "perf/bench.hpp"
#include "perf/histogram.hpp"
#include "perf/zmtp_peer.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"
#include "publisher/publisher.hpp"
#include "subscriber/subscriber.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kPerSecond = 200;
constexpr const char* kFast = "perf.express";
constexpr const char* kBig = "perf.big";
constexpr std::size_t kBigValueBytes = 64 << 10;
constexpr std::size_t kWindow = 512;
constexpr double kCoreShare = 0.5;

std::chrono::nanoseconds thread_cpu() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

// Puts as fast as half a core makes them, and reads them back from the normal lane.
class Saturation {
 public:
  Saturation(const ServerProcess& broker, const KeySpace& space)
      : thread_([this, requests = broker.requests(), changes = broker.changes(),
                 space](std::stop_token stop) { run(stop, requests, changes, space); }) {}
  [[nodiscard]] std::uint64_t puts() const { return puts_; }

 private:
  void run(const std::stop_token& stop, const std::string& requests, const std::string& changes,
           const KeySpace& space) {
    auto dealer = ZmtpPeer::connect(requests, ZmtpPeer::Role::dealer, std::chrono::seconds(5));
    auto sub = ZmtpPeer::connect(changes, ZmtpPeer::Role::sub, std::chrono::seconds(5));
    if (!dealer || !sub || !sub->subscribe(space.ns + "/")) return;
    RequestStream stream = RequestStream::puts(space, 7);
    std::size_t under_way = 0;
    const auto start = Clock::now();
    const auto cpu = thread_cpu();
    while (!stop.stop_requested()) {
      std::string batch;
      for (; under_way < kWindow; ++under_way) stream.next(batch);
      if (!batch.empty() && !dealer->send(batch)) return;
      const auto on_reply = [&](std::string_view) {
        --under_way;
        ++puts_;
      };
      if (!dealer->receive(ZmtpPeer::Wait::no, on_reply)) return;
      if (!sub->receive(ZmtpPeer::Wait::no, [](std::string_view) {})) return;
      const std::chrono::duration<double> spent = thread_cpu() - cpu, passed = Clock::now() - start;
      const double ahead = spent.count() / kCoreShare - passed.count();
      if (ahead > 0) std::this_thread::sleep_for(std::chrono::duration<double>(ahead));
    }
  }
  std::atomic<std::uint64_t> puts_{0};
  std::jthread thread_;
};

// A snapshot of the large namespace, chunk after chunk, from its beginning again when it ends.
class SnapshotReader {
 public:
  explicit SnapshotReader(const ServerProcess& broker)
      : thread_([this, requests = broker.requests()](std::stop_token stop) { run(stop, requests); }) {}
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  void run(const std::stop_token& stop, const std::string& requests) {
    auto peer = ZmtpPeer::connect(requests, ZmtpPeer::Role::dealer, std::chrono::seconds(5));
    std::optional<std::string> after;
    while (peer && !stop.stop_requested()) {
      SnapshotRequest body;
      body.ns = kBig;
      if (after) body.after = *after;
      std::string framed;
      ZmtpPeer::append_request(framed, codec::encode_request({{false, 1}, {}, {}, body}));
      if (!peer->send(framed)) return;
      for (bool came = false; !came;) {
        const auto on_chunk = [&](std::string_view payload) {
          came = true;
          bytes_ += payload.size();
          const auto header = codec::decode_reply(payload);
          const auto chunk = header && !header->error ? codec::decode_snapshot_reply(*header)
                                                      : Result<SnapshotReply>(SnapshotReply{});
          after = chunk ? chunk->after : std::nullopt;
        };
        if (!peer->receive(ZmtpPeer::Wait::yes, on_chunk) || stop.stop_requested()) return;
      }
    }
  }
  std::atomic<std::uint64_t> bytes_{0};
  std::jthread thread_;
};

struct Phase {
  LatencyHistogram told, committed;
};

std::int64_t nanoseconds_now() {
  return Clock::now().time_since_epoch().count();
}

// `events` puts at their times, to keys in turn (writes of one key wait for each other); each carries when it
// was meant to be sent.
Result<Phase, std::string> run_phase(Publisher& publisher, LatencyHistogram& told,
                                     std::atomic<std::uint64_t>& seen, std::uint64_t events) {
  ::prctl(PR_SET_TIMERSLACK, 1);
  told.clear();
  seen = 0;
  Phase phase;
  std::atomic<std::uint64_t> done{0}, failed{0};
  const auto start = Clock::now() + std::chrono::milliseconds(10);
  for (std::uint64_t i = 0; i < events; ++i) {
    const auto intended = start + i * std::chrono::nanoseconds(1'000'000'000 / kPerSecond);
    std::this_thread::sleep_until(intended);
    const std::int64_t sent = intended.time_since_epoch().count();
    publisher.put(kFast, key_name(i % 1000), EncodedValue::of(sent), WriteCall{},
                  [&, sent](const Result<WriteOutcome>& outcome) {
                    failed += !outcome.has_value();
                    phase.committed.record(std::chrono::nanoseconds(nanoseconds_now() - sent));
                    ++done;
                  });
  }
  const auto give_up = Clock::now() + std::chrono::seconds(20);
  while ((seen < events || done < events) && Clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (failed > 0 || seen < events) {
    return tl::unexpected(
        fmt::format("{} of {} changes came, {} puts failed", seen.load(), events, failed.load()));
  }
  phase.told = told;
  return phase;
}

Outcome load_big(Publisher& publisher, std::size_t bytes) {
  std::string value(kBigValueBytes, 'x');
  for (std::size_t i = 0; i < bytes / kBigValueBytes; ++i) {
    value.replace(0, 8, fmt::format("{:08}", i));
    if (auto put = publisher.put(kBig, key_name(i), value).get(); !put)
      return tl::unexpected(put.error().message);
  }
  return {};
}

}  // namespace

Outcome bench_express(Bench& bench) {
  const bool tiny = bench.options().tiny;
  const std::uint64_t events = tiny ? 60 : 4'000;
  auto broker = bench.start_broker("express", {"--express", "tcp://127.0.0.1:0"});
  if (!broker) return tl::unexpected(broker.error());
  LatencyHistogram told;
  std::atomic<std::uint64_t> seen{0};
  SubscriberOptions following;
  following.brokers = {broker->requests()};
  following.namespaces = {kFast};
  const auto on_change = [&](const ChangeEvent& event) {
    const auto sent = event.after ? event.after->as<std::int64_t>() : std::nullopt;
    if (!sent || *sent == 0) return;
    told.record(std::chrono::nanoseconds(nanoseconds_now() - *sent));
    ++seen;
  };
  following.callbacks.added = following.callbacks.changed = on_change;
  PublisherOptions writing;
  writing.brokers = {broker->requests()};
  auto publisher = Publisher::open(std::move(writing));
  if (!publisher) return tl::unexpected(publisher.error().message);
  const std::map<std::string, std::string> express{{"lane", "express"}};
  if (auto put = (*publisher)->put("_system.policy", kFast, express).get(); !put)
    return tl::unexpected(put.error().message);
  if (auto put = (*publisher)->put(kFast, "k", std::int64_t{0}).get(); !put)
    return tl::unexpected(put.error().message);
  if (auto loaded = load_big(**publisher, tiny ? 1u << 20 : 100u << 20); !loaded) return loaded;
  auto subscriber = Subscriber::open(std::move(following));
  if (!subscriber) return tl::unexpected(subscriber.error().message);
  if (!(*subscriber)->wait_live(std::chrono::seconds(20)))
    return tl::unexpected(std::string("the subscriber is not live"));

  const auto idle = run_phase(**publisher, told, seen, events);
  if (!idle) return tl::unexpected(idle.error());
  Saturation saturation(*broker, bench.keys());
  SnapshotReader snapshots(*broker);
  std::this_thread::sleep_for(bench.options().warm_up);
  const auto puts = saturation.puts();
  const auto bytes = snapshots.bytes();
  const auto start = Clock::now();
  const auto loaded = run_phase(**publisher, told, seen, events);
  if (!loaded) return tl::unexpected(loaded.error());
  const std::chrono::duration<double> took = Clock::now() - start;
  const double put_rate = static_cast<double>(saturation.puts() - puts) / took.count();
  const double snapshot_rate = static_cast<double>(snapshots.bytes() - bytes) / took.count() / (1 << 20);
  const auto mark = idle->told.at(0.99) + 2 * loaded->committed.at(0.99);
  bench.report(
      {.name = "express change beside a saturated lane, p99",
       .ours = duration(loaded->told.at(0.99)),
       .raw = duration(idle->told.at(0.99)),
       .mark = fmt::format("<= {}", print(duration(mark))),
       .reached = loaded->told.at(0.99) <= mark,
       .n = loaded->told.count(),
       .conditions = fmt::format(
           "{} puts/s, open loop; raw = idle p99; commit p99 {} (idle {}); beside {:.0f} puts/s from half a "
           "core and {:.0f} MiB/s of snapshot; p50 {} (idle {})",
           kPerSecond, print(duration(loaded->committed.at(0.99))), print(duration(idle->committed.at(0.99))),
           put_rate, snapshot_rate, print(duration(loaded->told.at(0.5))),
           print(duration(idle->told.at(0.5))))});
  bench.note(fmt::format("the publisher repeated {} writes", (*publisher)->counters().repeated));
  (*publisher)->stop();
  (*subscriber)->stop();
  return {};
}

}  // namespace prismbus::perf
