// A closed loop run against two servers in turn, so that what disturbs the machine disturbs both: ours, and
// what it stands beside. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "perf/bench.hpp"
#include "perf/closed_loop.hpp"

namespace prismbus::perf {

using MakeStream = std::function<RequestStream(std::uint64_t seed)>;
using RunLoop = Result<LoadFigures, std::string> (*)(const ClosedLoop&, RequestStream&);

struct TurnSide {
  const ServerProcess& server;
  bool judge = true;          // false for an echo, whose replies are the requests
  Credentials credentials{};  // for run_dealer_loop
};

struct Turns {
  std::vector<double> ours, raw;  // operations a second of each turn
  std::uint64_t n = 0, refused = 0, reply_bytes = 0;
  std::string cpu, raw_cpu;  // of either server, last turn, warm-up included
  LatencyHistogram ours_times, raw_times;
};

// One turn, for as long as the bench's options say. Errors: those of `run`, and any request that failed.
[[nodiscard]] Result<LoadFigures, std::string> one_turn(const Bench& bench, RunLoop run, ClosedLoop load,
                                                        const std::string& endpoint, bool judge,
                                                        RequestStream stream);
// As many turns of each as the bench has rounds; round n of both draws the same keys.
[[nodiscard]] Result<Turns, std::string> take_turns(const Bench& bench, RunLoop run, const ClosedLoop& load,
                                                    const TurnSide& ours, const TurnSide& raw,
                                                    const MakeStream& make);
// The broker's CPU, what was refused, and round trips where the window was 1.
[[nodiscard]] std::string describe(const Turns& turns);

}  // namespace prismbus::perf
