// Benchmark: durable puts pipelined on one connection, each a transaction of its own, for half a minute;
// beside it LMDB alone appending records of that size in batches like the broker's. The lag of fold shows
// whether the rate can last.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include "perf/bench.hpp"
#include "perf/broker_status.hpp"
#include "perf/closed_loop.hpp"
#include "perf/raw_disk.hpp"

namespace prismbus::perf {
namespace {

constexpr std::size_t kWindow = 1000;  // below the 1,024 writes a session of request ids may have in flight
constexpr std::size_t kRecordBytes = 330;

// What is applied and not yet folded, by the broker's own figures; empty when it does not say.
std::string fold_lag(const std::string& endpoint) {
  const auto status = broker_status(endpoint);
  if (!status) return "unknown";
  for (const char* name : {"recent_changes", "recent.changes", "fold.lag", "store.recent_changes"}) {
    const auto it = status->find(name);
    if (it != status->end()) return fmt::format("{:.0f}", it->second);
  }
  return "unknown";
}

struct Sustained {
  LoadFigures figures;
  std::string lag_at_10_s, lag_at_end;
  std::string cpu;
};

Result<Sustained, std::string> sustain(const Bench& bench, RequestStream stream,
                                       std::chrono::milliseconds time, const ServerProcess& broker) {
  const ClosedLoop load{.endpoint = broker.requests(),
                        .connections = 1,
                        .window = kWindow,
                        .warm_up = bench.options().warm_up,
                        .measure = time};
  Sustained result;
  const auto start = std::chrono::steady_clock::now();
  std::thread watcher([&] {
    const auto end = start + load.warm_up + time;
    const auto early = std::min(start + load.warm_up + std::chrono::seconds(10), end);
    std::this_thread::sleep_until(early);
    result.lag_at_10_s = fold_lag(broker.requests());
    std::this_thread::sleep_until(end - std::chrono::milliseconds(100));
    result.lag_at_end = fold_lag(broker.requests());
  });
  const auto cpu_before = broker.cpu_times();
  auto figures = run_closed_loop(load, stream);
  const auto took = std::chrono::steady_clock::now() - start;
  const double puts = figures ? figures->rate() * std::chrono::duration<double>(took).count() : 0;
  result.cpu = describe_cpu(cpu_before, broker.cpu_times(), took, puts);
  watcher.join();
  if (!figures) return tl::unexpected(figures.error());
  if (figures->failed > 0) return tl::unexpected("a put failed: " + figures->first_failure);
  result.figures = std::move(*figures);
  return result;
}

std::string describe(const Sustained& run) {
  const auto& seconds = run.figures.each_second;
  const auto slowest = seconds.empty() ? 0 : *std::min_element(seconds.begin(), seconds.end());
  return fmt::format(
      "{:.0f} s, slowest second {}; fold lag {} changes at 10 s, {} at the end; {} overloaded; {}",
      run.figures.seconds, print(rate(static_cast<double>(slowest))), run.lag_at_10_s, run.lag_at_end,
      run.figures.overloaded, run.cpu);
}

}  // namespace

Outcome bench_durable_puts(Bench& bench) {
  const auto raw = measure_append(bench.scratch(), kRecordBytes, kWindow / 2, bench.options().measure);
  if (!raw) return tl::unexpected(raw.error());
  const double raw_rate = static_cast<double>(raw->records) / raw->seconds;
  const std::string raw_text =
      fmt::format("raw = LMDB append of {} B, {} a sync; ", kRecordBytes, kWindow / 2);
  auto broker = bench.start_broker("puts");
  if (!broker) return tl::unexpected(broker.error());
  const auto time =
      bench.options().tiny ? bench.options().measure : std::chrono::milliseconds(bench.options().sustained);

  auto plain = sustain(bench, RequestStream::puts(bench.keys(), bench.options().seed), time, *broker);
  if (!plain) return tl::unexpected(plain.error());
  bench.report({.name = fmt::format("durable put, pipelined, window {}, one put a transaction", kWindow),
                .ours = rate(plain->figures.rate()),
                .raw = rate(raw_rate),
                .mark = ">= 120 k/s for 30 s",
                .reached = plain->figures.rate() >= 120e3,
                .n = plain->figures.fine,
                .conditions = raw_text + describe(*plain)});

  auto named = sustain(bench, RequestStream::puts(bench.keys(), bench.options().seed + 1, "perf-ses"),
                       bench.options().tiny ? time : time / 3, *broker);
  if (!named) return tl::unexpected(named.error());
  bench.report({.name = "the same with a request id on every put",
                .ours = rate(named->figures.rate()),
                .raw = rate(raw_rate),
                .mark = {},
                .reached = {},
                .n = named->figures.fine,
                .conditions = raw_text + describe(*named)});
  return {};
}

}  // namespace prismbus::perf
