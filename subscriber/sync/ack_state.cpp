#include "subscriber/sync/ack_state.hpp"

#include <algorithm>
#include <iterator>
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
  not_before_ = now + wait;
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

void AckState::reject(FollowedNamespace& n, RejectedChange change) {
  if (!on_ || change.seq == Seq()) return;
  const auto waits = [&](const Rejection& r) {
    return r.change.seq == change.seq && r.n == &n && r.change.key == change.key;
  };
  if (std::any_of(rejections_.begin(), rejections_.end(), waits)) return;
  if (rejections_.size() >= kRejectionsWaiting) {
    rejections_.pop_front();
    ++rejections_dropped_;
  }
  rejections_.push_back({&n, std::move(change)});
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
  return std::max(not_before_,
                  sent_at_ + (wanted_.empty() && rejections_.empty() ? kSilentPaces : 1) * pace_);
}

AckRequest AckState::make(std::uint64_t tag, Steady now) {
  tag_ = tag;
  sent_at_ = now;
  timed_ = false;
  AckRequest ack;
  take_rejections(ack);
  const auto not_past = limits_of_waiting();
  std::vector<FollowedNamespace*> later;
  std::size_t taken = 0;
  for (; taken < wanted_.size() && ack.applied.size() < limits::kFollowNames; ++taken) {
    FollowedNamespace& n = *wanted_[taken];
    n.to_ack = false;
    if (!n.known) continue;  // of no history any more: told when its next snapshot is shown
    const auto limit = not_past.find(&n);
    const bool limited = limit != not_past.end() && limit->second < n.copy.seq;
    if (limited) later.push_back(&n);
    ack.applied.emplace_back(*n.name, limited ? limit->second : n.copy.seq);
    told_.push_back(&n);
  }
  wanted_.erase(wanted_.begin(), wanted_.begin() + static_cast<std::ptrdiff_t>(taken));
  for (FollowedNamespace* n : later) touched(*n);
  ack.latency_us = std::exchange(latency_us_, {});
  samples_ = 0;
  return ack;
}

void AckState::take_rejections(AckRequest& ack) {
  while (!rejections_.empty() && told_rejections_.size() < limits::kAckRejections) {
    if (rejections_.front().n->known) told_rejections_.push_back(std::move(rejections_.front()));
    rejections_.pop_front();
  }
  for (const Rejection& told : told_rejections_) {
    ack.rejected.push_back({*told.n->name, told.change.seq, told.change.key, told.change.reason});
  }
}

// Of each namespace with a rejection that is still to be told the last seq that does not pass it.
std::unordered_map<const FollowedNamespace*, Seq> AckState::limits_of_waiting() const {
  std::unordered_map<const FollowedNamespace*, Seq> out;
  for (const auto& [n, change] : rejections_) {
    const Seq before(change.seq.value() - 1);
    const auto [at, fresh] = out.emplace(n, before);
    if (!fresh) at->second = std::min(at->second, before);
  }
  return out;
}

void AckState::on_answered(std::uint64_t ack_ms) {
  tag_ = 0;
  told_.clear();
  told_rejections_.clear();
  set_pace(ack_ms);
}

void AckState::on_failed(Steady now) {
  tag_ = 0;
  for (FollowedNamespace* n : std::exchange(told_, {})) touched(*n);  // A1
  rejections_.insert(rejections_.begin(), std::make_move_iterator(told_rejections_.begin()),
                     std::make_move_iterator(told_rejections_.end()));
  told_rejections_.clear();
  not_before_ = std::max(not_before_, now + pace_);
}

}  // namespace prismbus
