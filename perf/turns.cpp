#include "perf/turns.hpp"

#include <fmt/format.h>

#include <utility>

namespace prismbus::perf {
namespace {

struct Turn {
  LoadFigures figures;
  std::string cpu;
};

Result<Turn, std::string> turn_of(const Bench& bench, RunLoop run, ClosedLoop load, const TurnSide& side,
                                  RequestStream stream) {
  load.credentials = side.credentials;
  const auto cpu_before = side.server.cpu_times();
  const auto start = std::chrono::steady_clock::now();
  auto figures = one_turn(bench, run, std::move(load), side.server.requests(), side.judge, std::move(stream));
  if (!figures) return tl::unexpected(figures.error());
  const auto took = std::chrono::steady_clock::now() - start;
  // Warm-up included: its requests went at the same rate.
  std::string cpu = describe_cpu(cpu_before, side.server.cpu_times(), took,
                                 figures->rate() * std::chrono::duration<double>(took).count());
  return Turn{std::move(*figures), std::move(cpu)};
}

}  // namespace

Result<LoadFigures, std::string> one_turn(const Bench& bench, RunLoop run, ClosedLoop load,
                                          const std::string& endpoint, bool judge, RequestStream stream) {
  load.endpoint = endpoint;
  load.judge_replies = judge;
  load.warm_up = bench.options().warm_up;
  load.measure = bench.options().measure;
  auto figures = run(load, stream);
  if (figures && figures->failed > 0) {
    return tl::unexpected(fmt::format("{} requests failed: {}", figures->failed, figures->first_failure));
  }
  return figures;
}

Result<Turns, std::string> take_turns(const Bench& bench, RunLoop run, const ClosedLoop& load,
                                      const TurnSide& ours_side, const TurnSide& raw_side,
                                      const MakeStream& make) {
  Turns turns;
  for (int round = 0; round < bench.options().rounds; ++round) {
    const std::uint64_t seed = bench.options().seed + static_cast<std::uint64_t>(round);
    const auto raw = turn_of(bench, run, load, raw_side, make(seed));
    if (!raw) return tl::unexpected(raw.error());
    const auto ours = turn_of(bench, run, load, ours_side, make(seed));
    if (!ours) return tl::unexpected(ours.error());
    turns.cpu = ours->cpu;
    turns.raw_cpu = raw->cpu;
    turns.ours.push_back(ours->figures.rate());
    turns.raw.push_back(raw->figures.rate());
    turns.n += ours->figures.fine;
    turns.reply_bytes += ours->figures.reply_bytes;
    turns.refused += ours->figures.overloaded;
    turns.ours_times.merge(ours->figures.round_trips);
    turns.raw_times.merge(raw->figures.round_trips);
    bench.note(fmt::format("round {}: ours {}, raw {}", round + 1, print(rate(turns.ours.back())),
                           print(rate(turns.raw.back()))));
  }
  return turns;
}

std::string describe(const Turns& turns) {
  std::string text = turns.cpu;
  if (turns.refused > 0) text += fmt::format("; {} overloaded", turns.refused);
  if (turns.ours_times.count() > 0) {
    text +=
        fmt::format("; round trip p50 {} (raw {}), p99 {} (raw {})",
                    print(duration(turns.ours_times.at(0.5))), print(duration(turns.raw_times.at(0.5))),
                    print(duration(turns.ours_times.at(0.99))), print(duration(turns.raw_times.at(0.99))));
  }
  return text;
}

}  // namespace prismbus::perf
