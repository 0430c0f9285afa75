#include "broker/core/stream_sealer.hpp"

#include <algorithm>
#include <utility>

namespace prismbus {

void StreamSealer::set_time(Now now) {
  if (!std::exchange(started_, true))
    minute_zero_ = now.steady.time_since_epoch() - now.wall.time_since_epoch();
  age_ = std::max<std::chrono::nanoseconds>(now.steady.time_since_epoch() - minute_zero_, {});
  const auto minute = static_cast<std::uint64_t>(age_ / kPeriod) & Period::kMinuteMax;
  const Period next = Period::of(generation_ & Period::kGenerationMax, minute);
  if (next == period_) return;
  period_ = next;
  leaves_.clear();
}

void StreamSealer::set_generation(std::uint64_t generation) {
  generation_ = generation;
  const Period next = Period::of(generation_ & Period::kGenerationMax, period_.minute());
  if (next == period_) return;
  period_ = next;
  leaves_.clear();
}

std::chrono::milliseconds StreamSealer::ends_in() const {
  return std::chrono::ceil<std::chrono::milliseconds>(kPeriod - age_ % kPeriod);
}

const StreamKey& StreamSealer::leaf(std::string_view ns) {
  if (const auto known = leaves_.find(ns); known != leaves_.end()) return known->second;
  if (leaves_.size() >= kLeavesMax) leaves_.clear();
  return leaves_.emplace(ns, tree_.leaf(period_, ns)).first->second;
}

std::string StreamSealer::seal(std::string_view ns, std::string_view frame) {
  const std::size_t topic = ns.size() + 1;
  return sealer_.seal(leaf(ns), period_, frame.substr(0, topic), frame.substr(topic));
}

}  // namespace prismbus
