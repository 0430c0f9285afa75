#include "subscriber/ack_state.hpp"

#include <algorithm>
#include <utility>

#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

// A broker that says nonsense neither makes us ack in a loop nor keeps us silent.
constexpr std::chrono::milliseconds kPaceMin = 10ms, kPaceMax = 60s;
constexpr std::chrono::milliseconds kCrowdPace = 1s;
constexpr int kSilentPaces = 10;  // PROTOCOL section 6, point 5

}  // namespace

void AckState::set_pace(std::uint64_t ack_ms) {
  const auto most = static_cast<std::uint64_t>(kPaceMax.count());
  pace_ = std::max(kPaceMin, std::chrono::milliseconds(std::min(ack_ms, most)));
}

void AckState::on_joined(std::uint64_t ack_ms, std::chrono::milliseconds wait, Steady now) {
  on_failed(now);  // A2 includes what the ack under way told
  on_ = true;
  set_pace(ack_ms);
  sent_at_ = now - kSilentPaces * pace_;
  not_before_ = now + std::min(wait, pace_);
  timed_ = true;
}

void AckState::on_lost() {
  on_ = false;
}

void AckState::on_unsupported() {
  on_failed(Steady());
  on_ = false;
}

void AckState::touched(FollowedNamespace& n) {
  if (!std::exchange(n.to_ack, true)) wanted_.push_back(&n);
}

void AckState::sample(std::chrono::microseconds latency, std::uint64_t random) {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
  ++samples_;
  if (latency_us_.size() < limits::kAckLatencies) return latency_us_.push_back(us);
  const std::uint64_t place = random % samples_;
  if (place < latency_us_.size()) latency_us_[place] = us;
}

bool AckState::due(Steady now) {
  if (!wanted_.empty() && !std::exchange(timed_, true) && pace_ > kCrowdPace && now > sent_at_ + pace_) {
    not_before_ = std::max(not_before_, now + (pace_ - (now - sent_at_) % pace_));
  }
  return now >= next_deadline();
}

Steady AckState::next_deadline() const {
  if (!on_ || tag_ != 0) return Steady::max();
  return std::max(not_before_, sent_at_ + (wanted_.empty() ? kSilentPaces : 1) * pace_);
}

AckRequest AckState::make(std::uint64_t tag, Steady now) {
  tag_ = tag;
  sent_at_ = now;
  timed_ = false;
  AckRequest ack;
  std::size_t taken = 0;
  for (; taken < wanted_.size() && ack.applied.size() < limits::kFollowNames; ++taken) {
    FollowedNamespace& n = *wanted_[taken];
    n.to_ack = false;
    if (!n.known) continue;  // of no history any more: told when its next snapshot is shown
    ack.applied.emplace_back(*n.name, n.copy.seq);
    told_.push_back(&n);
  }
  wanted_.erase(wanted_.begin(), wanted_.begin() + static_cast<std::ptrdiff_t>(taken));
  ack.latency_us = std::exchange(latency_us_, {});
  samples_ = 0;
  return ack;
}

void AckState::on_answered(std::uint64_t ack_ms) {
  tag_ = 0;
  told_.clear();
  set_pace(ack_ms);
}

void AckState::on_failed(Steady now) {
  tag_ = 0;
  for (FollowedNamespace* n : std::exchange(told_, {})) touched(*n);  // A1
  not_before_ = std::max(not_before_, now + pace_);
}

}  // namespace prismbus
