// Requests that wait for a revision to be applied (`min_rev`, `if_rev` above it): up to 2 s, then
// `unavailable`. Bus thread; bounded (I8).
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "broker/core/in_flight.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

struct Parked {
  ReplyTo to;
  MessageId id;
  std::string payload;
  Revision until_applied;
  Steady deadline{};
  bool audited = false;  // as in Asked
  InFlight::Place place{};
};

class Parking {
 public:
  explicit Parking(std::size_t capacity) : capacity_(capacity) {}
  // False when it is full.
  [[nodiscard]] bool park(Parked parked);
  // Those whose revision is applied, oldest first; they are no longer parked.
  [[nodiscard]] std::vector<Parked> take_applied(Revision applied);
  [[nodiscard]] std::vector<Parked> take_expired(Steady now);
  [[nodiscard]] std::vector<Parked> take_all();
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] Steady next_deadline(Steady otherwise) const;

 private:
  template <class Ready>
  std::vector<Parked> take(Ready ready);
  const std::size_t capacity_;
  std::deque<Parked> waiting_;  // by deadline: every wait is equally long
  Revision least_;              // of until_applied; no look at the list before it is applied
};

}  // namespace prismbus
