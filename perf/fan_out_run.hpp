// One run of fan-out: one stream, ten subscribers, and who asks for events as fast as the slowest of them
// follows. A delivery is one change set at one subscriber; every one of them is accounted for. One thread
// besides libzmq's and those of its receivers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "perf/server_process.hpp"
#include "perf/stream_receivers.hpp"
#include "proto/base/result.hpp"
#include "proto/transport/credentials.hpp"

namespace prismbus::perf {

inline constexpr std::size_t kFanOutSubscribers = 10;

// Where the events come from: requests with so many in flight, each causing `events` on the stream when
// answered.
struct FanOutSource {
  enum class Asker : std::uint8_t { zmtp, libzmq };

  std::string requests, changes, topic_prefix;  // two endpoints; what every topic of an event begins with
  std::size_t window = 1;
  std::uint64_t events = 1;
  std::function<std::string_view()> next_payload;  // lent until the next call
  bool judge = true;                               // false: a reply is not a broker's
  StreamReceivers::Kind receivers = StreamReceivers::Kind::libzmq;
  Asker asker = Asker::zmtp;
  Credentials credentials{};  // with Asker::libzmq; the stream speaks no CURVE
  CountSets count_sets = sets_in;
};

struct FanOutFigures {
  double deliveries_per_second = 0, frames_per_second = 0;
  std::uint64_t deliveries = 0, lost = 0, refused = 0;
  double bytes_per_event = 0;
};

// Errors: a connection that could not be made or was lost, a request that failed, subscribers that did not
// all hear a first event.
[[nodiscard]] Result<FanOutFigures, std::string> run_fan_out(const FanOutSource& source,
                                                             std::chrono::milliseconds warm_up,
                                                             std::chrono::milliseconds measure);

struct FanOutTurn {
  FanOutFigures figures;
  std::string cpu;  // of the broker, a set for all ten
};
// The same, with what it cost `broker`, whose endpoints `source` has.
[[nodiscard]] Result<FanOutTurn, std::string> fan_out_turn(const ServerProcess& broker,
                                                           const FanOutSource& source,
                                                           std::chrono::milliseconds warm_up,
                                                           std::chrono::milliseconds measure);

}  // namespace prismbus::perf
