// The period of a sealed stream: for how long, and under which rights, a key of it is good (PROTOCOL section
// 9). Value type, any thread.
//   value = generation << 40 | minute
// The generation is raised with every narrowing of somebody's read right, so periods of a later generation
// are greater whatever the clock says. The minute is the broker's; after a move to another broker it may go
// back.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

#include "proto/base/assert.hpp"

namespace prismbus {

class Period {
 public:
  static constexpr unsigned kMinuteBits = 40;
  static constexpr std::uint64_t kMinuteMax = (std::uint64_t{1} << kMinuteBits) - 1;
  static constexpr std::uint64_t kGenerationMax = (std::uint64_t{1} << (64 - kMinuteBits)) - 1;

  constexpr Period() = default;
  constexpr explicit Period(std::uint64_t value) : value_(value) {}
  // Both within their limits: the caller's business, a bug otherwise.
  [[nodiscard]] static constexpr Period of(std::uint64_t generation, std::uint64_t minute) {
    PRISMBUS_ASSERT(generation <= kGenerationMax && minute <= kMinuteMax, "a period has room for both");
    return Period(generation << kMinuteBits | minute);
  }

  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  [[nodiscard]] constexpr std::uint64_t generation() const { return value_ >> kMinuteBits; }
  [[nodiscard]] constexpr std::uint64_t minute() const { return value_ & kMinuteMax; }

  // The minute after or before in the same generation; the last and the first one stay.
  [[nodiscard]] constexpr Period next() const { return minute() == kMinuteMax ? *this : Period(value_ + 1); }
  [[nodiscard]] constexpr Period previous() const { return minute() == 0 ? *this : Period(value_ - 1); }
  // What one answer to `keys` in `current` may tell: the same generation, at most a minute apart.
  [[nodiscard]] constexpr bool is_told_in(Period current) const {
    return *this == current || *this == current.next() || *this == current.previous();
  }

  friend constexpr auto operator<=>(Period, Period) = default;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace prismbus

template <>
struct std::hash<prismbus::Period> {
  std::size_t operator()(prismbus::Period p) const noexcept { return std::hash<std::uint64_t>{}(p.value()); }
};
