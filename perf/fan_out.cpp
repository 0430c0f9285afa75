// Benchmark: one stream to ten subscribers. A delivery is one change set at one subscriber. Raw is a libzmq
// PUB in a process of its own that publishes frames of the same bytes per event, one event a frame, and does
// nothing else; the broker also takes the requests, syncs them, and answers. Both get the same receivers
// (libzmq SUB sockets, as applications have; and, as a row of its own, raw ZMTP connections) and the same
// bound on how far these may lag, so that nothing is dropped at a high-water mark.
#include <fmt/format.h>

#include <algorithm>

#include "perf/bench.hpp"
#include "perf/fan_out_run.hpp"

namespace prismbus::perf {
namespace {

Result<FanOutFigures, std::string> run_raw(const Bench& bench, std::size_t bytes,
                                           StreamReceivers::Kind receivers) {
  constexpr std::uint64_t kAtOnce = 2'000;
  auto flood = bench.start_raw("flood", bytes);
  if (!flood) return tl::unexpected(flood.error());
  const std::string how_many = std::to_string(kAtOnce);
  const FanOutSource source{.requests = flood->requests(),
                            .changes = flood->changes(),
                            .topic_prefix = "perf.market",
                            .window = 2,
                            .events = kAtOnce,
                            .next_payload = [&] { return std::string_view(how_many); },
                            .judge = false,
                            .receivers = receivers};
  return run_fan_out(source, bench.options().warm_up, bench.options().measure);
}

Outcome one_shape(Bench& bench, const std::string& name, const ServerProcess& broker, std::size_t window,
                  std::uint64_t events, RequestStream stream, StreamReceivers::Kind receivers) {
  const FanOutSource source{.requests = broker.requests(),
                            .changes = broker.changes(),
                            .topic_prefix = "perf.market",
                            .window = window,
                            .events = events,
                            .next_payload = [&] { return stream.next_payload(); },
                            .receivers = receivers};
  const bool marked = receivers == StreamReceivers::Kind::libzmq;
  std::vector<double> ours, raw;
  FanOutFigures last;
  std::uint64_t n = 0, lost = 0;
  std::string cpu;
  for (int round = 0; round < bench.options().rounds; ++round) {
    const auto turn = fan_out_turn(broker, source, bench.options().warm_up, bench.options().measure);
    if (!turn) return tl::unexpected(turn.error());
    const FanOutFigures* const one = &turn->figures;
    cpu = turn->cpu;
    const auto body =
        static_cast<std::size_t>(std::max(100.0, one->bytes_per_event)) - 12;  // without the topic
    const auto beside = run_raw(bench, body, receivers);
    if (!beside) return tl::unexpected(beside.error());
    ours.push_back(one->deliveries_per_second);
    raw.push_back(beside->deliveries_per_second);
    last = *one;
    n += one->deliveries;
    lost += one->lost + beside->lost;
    bench.note(fmt::format("round {}: ours {}, raw {}", round + 1, print(rate(ours.back())),
                           print(rate(raw.back()))));
  }
  if (lost > 0) return tl::unexpected(fmt::format("{} deliveries were lost", lost));
  bench.report(
      {.name = name,
       .ours = rate(median(ours)),
       .raw = rate(median(raw)),
       .mark = marked ? ">= 60 %" : "",
       .reached = marked ? std::optional(median(ours) >= 0.6 * median(raw)) : std::nullopt,
       .n = n,
       .conditions = fmt::format("durable change sets, to {}; {:.0f} B and {:.2f} frames an event; raw = one "
                                 "frame of as many bytes an event, no "
                                 "requests, no sync; {} (of a set, for all ten); {} overloaded; 0 lost",
                                 marked ? "libzmq SUB sockets" : "raw ZMTP receivers", last.bytes_per_event,
                                 last.frames_per_second / last.deliveries_per_second, cpu, last.refused)});
  return {};
}

}  // namespace

Outcome bench_fan_out(Bench& bench) {
  auto broker = bench.start_broker("fan-out");
  if (!broker) return tl::unexpected(broker.error());
  constexpr std::size_t kNamespaces = 100;
  for (const auto receivers : {StreamReceivers::Kind::libzmq, StreamReceivers::Kind::zmtp}) {
    const std::string to =
        receivers == StreamReceivers::Kind::libzmq ? "fan-out to 10" : "fan-out to 10 raw receivers";
    KeySpace space = bench.keys();
    if (auto done = one_shape(bench, to + ": one namespace, a put a transaction", *broker, 1000, 1,
                              RequestStream::puts(space, bench.options().seed), receivers);
        !done) {
      return done;
    }
    space.keys = 1000;
    if (auto done = one_shape(bench, to + ": a transaction over 100 namespaces", *broker, 16, kNamespaces,
                              RequestStream::spread_transactions(space, kNamespaces), receivers);
        !done) {
      return done;
    }
  }
  return {};
}

}  // namespace prismbus::perf
