// One lane of the change stream, as the machine sees it: whether its subscriptions are in force (barrier) and
// whether it is alive (heartbeats). Pure: time and random numbers come in, what to do is asked. Owned by
// SyncState.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.hpp"

namespace prismbus {

class LaneWatch {
 public:
  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] bool in_force() const { return open_ && in_force_; }
  [[nodiscard]] const std::string& topic() const { return topic_; }  // of the present barrier

  // A join begins: waits for a barrier on `topic` from now on; heartbeats are expected every `heartbeat`.
  void join(std::string topic, std::chrono::milliseconds heartbeat, Steady now, std::uint64_t random);
  // The barrier did not come in time: a fresh one is waited for, twice as long, up to 5 s, with jitter.
  void rejoin_barrier(std::string topic, Steady now, std::uint64_t random);
  void close() { *this = LaneWatch{}; }

  enum class Barrier : std::uint8_t { not_ours, first, again };
  [[nodiscard]] Barrier on_barrier(std::string_view topic);
  // Any frame arrived.
  void heard(Steady now) { heard_ = now; }
  // A heartbeat announced the next; bounded to what the contract allows.
  void expect_next(std::chrono::milliseconds next, std::uint64_t random);

  [[nodiscard]] bool barrier_late(Steady now) const {
    return open_ && !in_force_ && now >= barrier_deadline_;
  }
  [[nodiscard]] bool barrier_given_up(
      Steady now) const;  // many were late: this broker's stream does not answer
  [[nodiscard]] bool dead(Steady now) const { return open_ && now - heard_ >= silence_max_; }
  [[nodiscard]] Steady next_deadline() const;

 private:
  bool open_ = false, in_force_ = false;
  std::string topic_;
  Steady joined_{}, barrier_deadline_{}, heard_{};
  std::chrono::milliseconds barrier_wait_{};
  std::chrono::nanoseconds silence_max_{};
};

}  // namespace prismbus
