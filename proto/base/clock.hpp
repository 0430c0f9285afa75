// Time, read once per agent step and handed down, so that every timer is testable.
#pragma once

#include <chrono>
#include <cstdint>

namespace prismbus {

using Steady = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Wall = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

// The longest time an application may name. A clock that counts nanoseconds in 64 bits ends after 292 years:
// with times as long as this its sums and differences never do.
inline constexpr std::chrono::milliseconds kDurationMax = std::chrono::hours(24 * 3653);  // ten years

// One reading of both clocks. Timers use `steady`; only what is stored or shown uses `wall`.
struct Now {
  Steady steady{};
  Wall wall{};
};

[[nodiscard]] inline Now read_clock() {
  return {std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now()),
          std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now())};
}

// Microseconds since 1970-01-01 UTC, the unit of every time on the wire and on disk. Before 1970 is 0.
[[nodiscard]] constexpr std::uint64_t to_micros(Wall t) {
  const auto n = t.time_since_epoch().count();
  return n < 0 ? 0 : static_cast<std::uint64_t>(n);
}
[[nodiscard]] constexpr Wall from_micros(std::uint64_t us) {
  return Wall(std::chrono::microseconds(static_cast<std::int64_t>(us)));
}

}  // namespace prismbus
