// What waits to be told to one subscription, with its limits and what happens at them. Pure: no lock, no
// thread, no clock (subscription_delivery guards it).
// Q1: at most length_max records wait (block: kBacklogTimes as many) and bytes_max bytes, or one record.
// Q2: what waits of one namespace is ordered as it was pushed, a conflated record stands where its last part
//     came.
// Q3: when something is dropped, a `resync` record takes its place, first in the queue.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/base/clock.hpp"
#include "subscriber/delivery/subscription_record.hpp"

namespace prismbus {

class SubscriptionQueue {
 public:
  struct Limits {
    QueuePolicy policy = QueuePolicy::block;
    std::size_t length_max = 0, bytes_max = 0;
    std::chrono::milliseconds block_at_most{};
  };
  struct Counters {
    std::uint64_t conflated = 0, dropped = 0, resyncs = 0;
  };

  explicit SubscriptionQueue(const Limits& limits) : limits_(limits) {}

  // False: it did not fit, and restart() was done. The producer owes the state.
  [[nodiscard]] bool push(const SubscriptionEvent& event, Steady now);
  // A part of the state; the producer asked room_for first. Fits always.
  void push_state(const SubscriptionEvent& event);
  // Whether a part of the state of so many bytes may come now.
  [[nodiscard]] bool room_for(std::size_t bytes) const;
  [[nodiscard]] std::optional<SubscriptionRecord> pop();
  // Drops all that waits; a `resync` record with this reason is the only one now.
  void restart(std::string_view why);
  void clear();
  // Blocked for block_at_most without a break.
  [[nodiscard]] bool blocked_too_long(Steady now) const;
  // A pause began or ended: the time blocked is counted anew from `now`.
  void forgive(Steady now);

  [[nodiscard]] bool blocked() const { return blocked_since_.has_value(); }
  [[nodiscard]] std::size_t size() const { return records_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  struct Waiting {
    SubscriptionRecord record;
    std::string identity;  // latest_only: what it is indexed by; empty: not at all
  };
  using Records = std::list<Waiting>;

  void append(const SubscriptionEvent& event, std::string identity);
  // True when it was merged into what waits.
  bool conflate(const SubscriptionEvent& event, const std::string& identity);

  Limits limits_;
  Records records_;
  std::unordered_map<std::string_view, Records::iterator> index_;  // keys lent by `identity`
  std::size_t bytes_ = 0;
  std::optional<Steady> blocked_since_;
  Counters counters_;
};

}  // namespace prismbus
