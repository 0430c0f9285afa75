// How old what a file holds is, by the time that stands in it. Pure.
#pragma once

#include <chrono>

#include "proto/base/clock.hpp"

namespace prismbus {

// Since `seen`, when it was last known to be current. A time to come says that a clock was wrong by as much:
// it counts as so long ago, not as new.
[[nodiscard]] inline std::chrono::microseconds age_of(Wall seen, Wall now) {
  return std::chrono::abs(now - seen);
}

}  // namespace prismbus
