// A latency histogram with logarithmic buckets: 64 linear steps per power of two, so any value is kept
// within 1.6 %. Fixed memory (about 30 KiB), recording is a handful of instructions. One thread; merge()
// joins several. After G. Tene's HdrHistogram; does not correct for coordinated omission: record from the
// intended time of sending.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace prismbus::perf {

class LatencyHistogram {
 public:
  void record(std::chrono::nanoseconds latency);  // negative counts as 0
  void merge(const LatencyHistogram& other);
  void clear() { *this = LatencyHistogram{}; }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The smallest recorded value (to within 1.6 %, rounded up) that `quantile` (0..1) of all do not exceed; 0
  // if empty.
  [[nodiscard]] std::chrono::nanoseconds at(double quantile) const;
  [[nodiscard]] std::chrono::nanoseconds max() const { return std::chrono::nanoseconds(max_); }

  // The bucket a value falls in, and the largest value of a bucket; for the tests.
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t value);
  [[nodiscard]] static std::uint64_t top_of(std::size_t bucket);

 private:
  static constexpr unsigned kStepBits = 6;  // 64 steps per power of two
  static constexpr std::size_t kBuckets = (64 - kStepBits + 1) << kStepBits;
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0, max_ = 0;
};

}  // namespace prismbus::perf
