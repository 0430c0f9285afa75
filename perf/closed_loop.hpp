// Closed-loop load: a number of connections with a fixed window of requests in flight each; a reply is
// answered by the next request. One thread drives all of them, batching whatever the sockets hold. It gives
// rates, and round-trip times where the window is 1; it hides stalls by its nature, so latencies under a
// given load come from open_loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "perf/histogram.hpp"
#include "perf/request_stream.hpp"
#include "proto/base/result.hpp"
#include "proto/transport/credentials.hpp"

namespace prismbus::perf {

struct ClosedLoop {
  std::string endpoint;
  std::size_t connections = 1;
  std::size_t window = 256;  // per connection
  std::chrono::milliseconds warm_up{500};
  std::chrono::milliseconds measure{3000};
  bool judge_replies = true;  // false for an echo, whose replies are the requests
  Credentials credentials{};  // run_dealer_loop only: raw ZMTP speaks no CURVE
};

struct LoadFigures {
  std::uint64_t fine = 0, overloaded = 0, failed = 0;  // replies inside the measured time
  std::uint64_t reply_bytes = 0;                       // of `fine` replies, without frames
  double seconds = 0;
  LatencyHistogram round_trips;            // only with a window of 1
  std::vector<std::uint64_t> each_second;  // `fine` replies of every whole second, in order
  std::string first_failure;
  [[nodiscard]] double rate() const { return seconds > 0 ? static_cast<double>(fine) / seconds : 0; }
};

// Errors: a connection that could not be made or was lost, or no reply for ten seconds. A request answered
// `overloaded` is counted and its place in the window is used again a millisecond later.
[[nodiscard]] Result<LoadFigures, std::string> run_closed_loop(const ClosedLoop& load, RequestStream& stream);

}  // namespace prismbus::perf
