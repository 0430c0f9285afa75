// Counts of values by size, for figures that are read while they are made: a row of counters with bounds
// fixed in advance. A plain value of one thread; record() allocates nothing and takes a few nanoseconds.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proto/base/assert.hpp"

namespace prismbus {

class Histogram {
 public:
  static constexpr std::size_t kBoundsMax = 18;

  // `bounds`: ascending; lives as long as the program. A value belongs to the first bound it is not above,
  // in whatever unit the bounds have.
  explicit Histogram(std::span<const std::uint64_t> bounds) : bounds_(bounds) {
    PRISMBUS_ASSERT(bounds.size() <= kBoundsMax && std::is_sorted(bounds.begin(), bounds.end()),
                    "a histogram has few bounds, in order");
  }

  void record(std::uint64_t value, std::uint64_t times = 1) {
    const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(at)] += times;
    count_ += times;
    sum_ += value * times;
  }

  [[nodiscard]] std::span<const std::uint64_t> bounds() const { return bounds_; }
  // Not cumulative, one for each bound and one for what is above them all.
  [[nodiscard]] std::span<const std::uint64_t> counts() const {
    return std::span(counts_).first(bounds_.size() + 1);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }

 private:
  std::span<const std::uint64_t> bounds_;
  std::array<std::uint64_t, kBoundsMax + 1> counts_{};
  std::uint64_t count_ = 0, sum_ = 0;
};

}  // namespace prismbus
