#include "broker/core/waiting_room.hpp"

#include "proto/wire/limits.hpp"

namespace prismbus {

void WaitingRoom::park(const Asked& asked, Revision until_applied) {
  const auto place = in_flight_.keep(asked);
  if (!place) return replier_.refuse(asked.from, asked.id(), place.error());
  if (parking_.park({asked.from, asked.id(), std::string(asked.payload), until_applied,
                     asked.now.steady + limits::kMinRevWait, asked.audited, *place})) {
    return;
  }
  in_flight_.release(*place);
  replier_.refuse(asked.from, asked.id(), overloaded("too many requests wait for a revision", 100));
}

std::size_t WaitingRoom::wake(Revision applied, Steady now, bool ending,
                              const std::function<void(const Parked&)>& enter) {
  const std::vector<Parked> ready = parking_.take_applied(applied);
  for (const Parked& parked : ready) {
    in_flight_.release(parked.place);
    enter(parked);
  }
  const std::vector<Parked> over = ending ? parking_.take_all() : parking_.take_expired(now);
  for (const Parked& parked : over) {
    in_flight_.release(parked.place);
    replier_.refuse(parked.to, parked.id,
                    error_of(ErrorCode::unavailable, "that revision is not applied here yet"));
  }
  return ready.size() + over.size();
}

}  // namespace prismbus
