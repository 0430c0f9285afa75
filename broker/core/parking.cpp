#include "broker/core/parking.hpp"

#include <algorithm>

namespace prismbus {

bool Parking::park(Parked parked) {
  if (waiting_.size() >= capacity_) return false;
  least_ = waiting_.empty() ? parked.until_applied : std::min(least_, parked.until_applied);
  waiting_.push_back(std::move(parked));
  return true;
}

template <class Ready>
std::vector<Parked> Parking::take(Ready ready) {
  std::vector<Parked> taken;
  std::deque<Parked> kept;
  for (Parked& parked : waiting_) {
    if (ready(parked)) {
      taken.push_back(std::move(parked));
    } else {
      least_ = kept.empty() ? parked.until_applied : std::min(least_, parked.until_applied);
      kept.push_back(std::move(parked));
    }
  }
  waiting_ = std::move(kept);
  return taken;
}

std::vector<Parked> Parking::take_applied(Revision applied) {
  if (waiting_.empty() || applied < least_) return {};
  return take([applied](const Parked& p) { return p.until_applied <= applied; });
}

std::vector<Parked> Parking::take_expired(Steady now) {
  if (waiting_.empty() || now < waiting_.front().deadline) return {};
  return take([now](const Parked& p) { return p.deadline <= now; });
}

std::vector<Parked> Parking::take_all() {
  return take([](const Parked&) { return true; });
}

Steady Parking::next_deadline(Steady otherwise) const {
  return waiting_.empty() ? otherwise : std::min(otherwise, waiting_.front().deadline);
}

}  // namespace prismbus
