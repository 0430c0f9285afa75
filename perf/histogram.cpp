#include "perf/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace prismbus::perf {

// Worked example with 64 steps: 0..63 are buckets of their own; 64..127 too (step 1); 128..255 in steps of 2;
// ...
std::size_t LatencyHistogram::bucket_of(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  if (width <= kStepBits + 1) return static_cast<std::size_t>(value);
  const unsigned shift = width - (kStepBits + 1);
  return (static_cast<std::size_t>(shift) << kStepBits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t LatencyHistogram::top_of(std::size_t bucket) {
  if (bucket < (std::size_t{2} << kStepBits)) return bucket;
  const std::size_t shift = (bucket >> kStepBits) - 1;
  const std::uint64_t step = bucket - (shift << kStepBits);
  return ((step + 1) << shift) - 1;
}

void LatencyHistogram::record(std::chrono::nanoseconds latency) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
  ++buckets_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::chrono::nanoseconds LatencyHistogram::at(double quantile) const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  const double exact = std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_));
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(exact));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(top_of(i), max_)));
  }
  return max();
}

}  // namespace prismbus::perf
