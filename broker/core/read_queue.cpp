#include "broker/core/read_queue.hpp"

#include <algorithm>

namespace prismbus {
namespace {

constexpr std::chrono::milliseconds kRateEvery{100};
constexpr double kLeastPerMs = 0.01, kLeastWaitMs = 20, kMostWaitMs = 5000;

}  // namespace

Result<void> ReadQueue::push(ReadJob job, Steady now) {
  if (size_ >= bounds_.reads_max || bytes_ + job.payload.size() > bounds_.bytes_max) {
    return tl::unexpected(refusal("too many reads wait", now));
  }
  auto& mine = waiting_[job.to.connection];
  if (mine.size() >= bounds_.connection_reads_max) {
    return tl::unexpected(refusal("too many reads of this connection wait", now));
  }
  if (mine.empty()) turns_.push_back(job.to.connection);
  ++size_;
  bytes_ += job.payload.size();
  mine.push_back(std::move(job));
  return {};
}

std::optional<ReadJob> ReadQueue::pop() {
  if (turns_.empty()) return std::nullopt;
  const auto at = waiting_.find(turns_.front());
  turns_.pop_front();
  ReadJob job = std::move(at->second.front());
  at->second.pop_front();
  if (at->second.empty()) {
    waiting_.erase(at);
  } else {
    turns_.push_back(job.to.connection);
  }
  --size_;
  bytes_ -= job.payload.size();
  return job;
}

Error ReadQueue::refusal(const char* why, Steady now) {
  const std::chrono::duration<double, std::milli> passed = now - rated_at_;
  if (passed >= kRateEvery) {
    per_ms_ = std::max(static_cast<double>(answered_) / passed.count(), kLeastPerMs);
    answered_ = 0;
    rated_at_ = now;
  }
  const double wait = std::clamp(static_cast<double>(size_) / per_ms_, kLeastWaitMs, kMostWaitMs);
  return overloaded(why, static_cast<std::uint64_t>(wait));
}

}  // namespace prismbus
