#include "broker/core/lane_plan.hpp"

#include <algorithm>

namespace prismbus {

LanePlan::Choice LanePlan::choose(std::string_view ns, Lane before, Steady now) {
  const Lane lane = served(rules_.policy().lane_of(ns));
  if (lane == before && until_.empty() && now >= all_until_) return {lane, false};
  if (now >= forget_at_) forget_ended(now);
  const auto at = until_.find(ns);
  if (lane == before) return {lane, now < all_until_ || (at != until_.end() && now < at->second)};
  if (at != until_.end()) {
    at->second = now + kBothLanes;
  } else if (until_.size() < kChangingMax) {
    until_.emplace(ns, now + kBothLanes);
  } else {
    all_until_ = now + kBothLanes;
  }
  return {lane, true};
}

void LanePlan::forget_ended(Steady now) {
  std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
  forget_at_ = now + kBothLanes / 4;
}

}  // namespace prismbus
