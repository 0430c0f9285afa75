// Requests that wait for a revision: parked until it is applied, then they enter again from the start. Bus
// thread. Bounded by parked_max and, like everything a connection has inside, by its own count (I8).
#pragma once

#include <functional>

#include "broker/core/asked.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/parking.hpp"
#include "broker/core/replier.hpp"

namespace prismbus {

class WaitingRoom {
 public:
  // Both outlive this.
  WaitingRoom(std::size_t parked_max, InFlight& in_flight, Replier& replier)
      : parking_(parked_max), in_flight_(in_flight), replier_(replier) {}

  // Answers `overloaded` when there is no place.
  void park(const Asked& asked, Revision until_applied);
  // Those whose revision is applied go to `enter`; whose time is over, or everybody when `ending`, are
  // answered `unavailable`. Returns how many of both.
  std::size_t wake(Revision applied, Steady now, bool ending,
                   const std::function<void(const Parked&)>& enter);
  [[nodiscard]] const Parking& parking() const { return parking_; }

 private:
  Parking parking_;
  InFlight& in_flight_;
  Replier& replier_;
};

}  // namespace prismbus
