// Benchmark: puts of one publisher library, sent one by one and coalesced over 200 us and 1 ms. As many as go
// (closed loop, a bound on what is not answered), and in bursts at fixed moments, where the time counts from
// the moment a burst was meant for. The windows take turns on one broker; raw = sent one by one in the same
// run.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <thread>

#include "perf/bench.hpp"
#include "perf/histogram.hpp"
#include "publisher/publisher.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::array kWindows{0us, 200us, 1000us};
constexpr std::size_t kOpenMax = 8000;  // puts not answered, when as many go as can
constexpr std::size_t kBurst = 100;
constexpr auto kBurstEvery = 10ms;

struct Turn {
  std::uint64_t answered = 0;
  double seconds = 0, coalesced = 0;  // of all puts
  LatencyHistogram times;             // from the call, or from the burst's moment, to the answer
};

// Puts until `time` is over. `bursts`: kBurst of them every kBurstEvery; else kOpenMax at once.
Result<Turn, std::string> put_for(const Bench& bench, const std::string& endpoint,
                                  std::chrono::microseconds window, bool bursts) {
  PublisherOptions options;
  options.brokers = {endpoint};
  options.coalesce_window = window;
  auto opened = Publisher::open(options);
  if (!opened) return tl::unexpected(opened.error().message);
  Publisher& publisher = **opened;
  if (!publisher.hello().get()) return tl::unexpected(std::string("the publisher is not connected"));

  const KeySpace space = bench.keys();
  const EncodedValue value{encoded_value(kValueBytes)};
  Turn turn;  // answers come on the publisher's thread, and are read after its last one
  std::atomic<std::uint64_t> open{0}, failed{0};
  std::uint64_t sent = 0;
  const auto put = [&](Clock::time_point meant) {
    open.fetch_add(1, std::memory_order_relaxed);
    publisher.put(space.ns, key_name(sent++ % space.keys), value, {},
                  [&, meant](const Result<WriteOutcome>& done) {
                    turn.times.record(Clock::now() - meant);
                    if (!done) failed.fetch_add(1, std::memory_order_relaxed);
                    open.fetch_sub(1, std::memory_order_release);
                  });
  };
  const auto start = Clock::now();
  const auto end = start + bench.options().measure;
  for (auto moment = start; Clock::now() < end; moment += kBurstEvery) {
    if (bursts) {
      std::this_thread::sleep_until(moment);
      for (std::size_t i = 0; i < kBurst; ++i) put(moment);
      continue;
    }
    while (open.load(std::memory_order_acquire) >= kOpenMax) std::this_thread::yield();
    put(Clock::now());
  }
  if (!publisher.flush(10s)) return tl::unexpected(std::string("not every put was answered"));
  turn.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  turn.coalesced = static_cast<double>(publisher.counters().coalesced) / static_cast<double>(sent);
  publisher.stop();
  if (failed > 0) return tl::unexpected(fmt::format("{} puts failed", failed.load()));
  turn.answered = sent;
  return turn;
}

struct Turns {
  std::vector<double> rates, p50, p99;
  std::uint64_t n = 0;
  double coalesced = 0;
};

}  // namespace

Outcome bench_coalesced_puts(Bench& bench) {
  auto broker = bench.start_broker("coalesced");
  if (!broker) return tl::unexpected(broker.error());
  for (const bool bursts : {false, true}) {
    std::array<Turns, kWindows.size()> all;
    for (int round = 0; round < bench.options().rounds; ++round) {
      for (std::size_t w = 0; w < kWindows.size(); ++w) {
        auto turn = put_for(bench, broker->requests(), kWindows[w], bursts);
        if (!turn) return tl::unexpected(turn.error());
        all[w].rates.push_back(static_cast<double>(turn->answered) / turn->seconds);
        all[w].p50.push_back(std::chrono::duration<double>(turn->times.at(0.5)).count());
        all[w].p99.push_back(std::chrono::duration<double>(turn->times.at(0.99)).count());
        all[w].n += turn->answered;
        all[w].coalesced = turn->coalesced;
      }
    }
    for (std::size_t w = 1; w < kWindows.size(); ++w) {
      const std::string details =
          fmt::format("200 B values; p50 {} (raw {}), p99 {} (raw {}); {:.0f} % left with others",
                      print(Figure{Figure::Unit::time, median(all[w].p50)}),
                      print(Figure{Figure::Unit::time, median(all[0].p50)}),
                      print(Figure{Figure::Unit::time, median(all[w].p99)}),
                      print(Figure{Figure::Unit::time, median(all[0].p99)}), 100 * all[w].coalesced);
      Row row{
          .name = fmt::format("coalesced put, window {} us, {} not answered", kWindows[w].count(), kOpenMax),
          .ours = rate(median(all[w].rates)),
          .raw = rate(median(all[0].rates)),
          .n = all[w].n,
          .conditions = "raw = window 0; " + details};
      if (bursts) {
        row.name = fmt::format("coalesced put, window {} us, bursts of {} every {} ms: p99",
                               kWindows[w].count(), kBurst, kBurstEvery.count());
        row.ours = Figure{Figure::Unit::time, median(all[w].p99)};
        row.raw = Figure{Figure::Unit::time, median(all[0].p99)};
      }
      bench.report(row);
    }
  }
  return {};
}

}  // namespace prismbus::perf
