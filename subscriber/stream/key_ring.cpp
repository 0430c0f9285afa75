#include "subscriber/stream/key_ring.hpp"

#include <algorithm>
#include <utility>

#include "proto/base/assert.hpp"
#include "proto/seal/sealed_body.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kHeldOverhead = 200;  // of a frame held, besides its bytes

static_assert(KeyRing::kHeldBytes >= 2 * static_cast<std::size_t>(limits::kTransportBytes),
              "a frame that the transport lets in can be held");

template <class Set>
std::vector<std::string> take_names(Set& names) {
  std::vector<std::string> out;
  out.reserve(names.size());
  while (!names.empty()) out.push_back(std::move(names.extract(names.begin()).value()));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::size_t KeyRing::Held::bytes() const {
  return frame.size() + kHeldOverhead;
}

KeyRing::KeyRing(std::uint64_t seed) : random_(seed) {}

std::chrono::nanoseconds KeyRing::random_below(std::chrono::nanoseconds bound) {
  return std::chrono::nanoseconds(std::uniform_int_distribution<std::int64_t>(0, bound.count() - 1)(random_));
}

// ---- the broker

void KeyRing::on_joined(bool sealed, Now now) {
  under_way_ = false;
  failures_ = 0;
  sealed_ = sealed;
  if (!sealed) return forget();
  if (keys_.empty()) renewal_at_ = now.steady;
  if (!held_.empty()) ask_for_frames(now.steady);
}

void KeyRing::forget() {
  under_way_ = false;
  keys_.clear();
  ignored_.clear();
  drop_frames();
  opened_.clear();
  lost_.clear();
  unreadable_.clear();
  period_ = Period();
  renewal_at_ = sealed_ ? not_before_ : Steady::max();
}

void KeyRing::drop_frames() {
  held_.clear();
  held_names_.clear();
  held_bytes_ = 0;
  frames_at_ = Steady::max();
}

// ---- asking

Steady KeyRing::next_ask() const {
  return !sealed_ || under_way_ ? Steady::max() : std::max(not_before_, std::min(frames_at_, renewal_at_));
}

bool KeyRing::due(Now now) {
  keys_.drop_outdated(now.steady);
  return now.steady >= next_ask();
}

Steady KeyRing::next_deadline() const {
  return std::min(next_ask(), keys_.next_drop());
}

void KeyRing::asked(Now now) {
  under_way_ = true;
  ++counters_.asked;
  not_before_ = now.steady + kAskPace;
  frames_at_ = Steady::max();
  for (Held& held : held_) held.asked = true;
}

void KeyRing::on_failed(Now now) {
  under_way_ = false;
  // A crowd of subscribers does not come back together, nor to a broker that has enough to do.
  const std::chrono::milliseconds wait = std::min(kAskPace * (1 << std::min(failures_, 8u)), kRetryMax);
  ++failures_;
  not_before_ = std::max(not_before_, now.steady + wait + random_below(wait / 2));
  if (!held_.empty()) frames_at_ = now.steady;
}

void KeyRing::on_reply(KeysTold told, Now now) {
  if (!under_way_) return;
  const auto ends_in = std::clamp<std::chrono::milliseconds>(told.ends_in, {}, kPeriod);
  const Period period = told.period;
  if (!keys_.take(std::move(told), now.steady)) return on_failed(now);
  under_way_ = false;
  failures_ = 0;
  if (period != std::exchange(period_, period)) ignored_.clear();
  std::erase_if(ignored_, [&](const std::string& ns) { return keys_.covers(ns); });
  period_ends_ = now.steady + ends_in;
  // This answer has the next period's keys too: those of the one behind it are fetched somewhere in the next.
  renewal_at_ = period_ends_ + random_below(kRenewWithin);
  settle_all(now.steady);
  if (!held_.empty()) ask_for_frames(now.steady);
}

void KeyRing::on_period(Period period, Now now) {
  if (!sealed_ || period.generation() <= period_.generation()) return;
  renewal_at_ = std::min(renewal_at_, now.steady + random_below(kAskWithin));
}

void KeyRing::ask_for_frames(Steady now) {
  if (frames_at_ == Steady::max()) frames_at_ = now + random_below(kAskWithin);
}

// ---- the stream

KeyRing::Read KeyRing::on_frame(Lane lane, std::string_view frame, Now now) {
  PRISMBUS_ASSERT(opened_.empty(), "frames that waited are taken before others come behind them");
  keys_.drop_outdated(now.steady);
  const auto drop = [](std::uint64_t& counter, FrameFate fate) {
    ++counter;
    return Read{fate, {}};
  };
  const std::size_t slash = std::min(frame.find('/'), frame.size());
  const std::string_view ns = frame.substr(0, slash);
  if (slash == frame.size() || !is_namespace(ns)) return drop(counters_.forged, FrameFate::forged);
  const std::string_view topic = frame.substr(0, slash + 1), body = frame.substr(slash + 1);
  const auto period = period_of(body);
  if (!sealed_ && !period && period.error() == SealFault::unsealed) return {FrameFate::opened, body};
  if (!period && period.error() == SealFault::unsealed) return drop(counters_.unsealed, FrameFate::unsealed);
  if (!period || !sealed_) return drop(counters_.forged, FrameFate::forged);
  if (ignores(ns, *period, now.steady)) return drop(counters_.unreadable, FrameFate::unreadable);
  const StreamKey* key = held_names_.contains(ns) ? nullptr : keys_.leaf(*period, ns);
  if (key == nullptr) return {hold(lane, *period, frame, topic.size(), now.steady), {}};
  if (!open_body(*key, topic, body, plain_)) return drop(counters_.forged, FrameFate::forged);
  ++counters_.opened;
  return {FrameFate::opened, plain_};
}

bool KeyRing::ignores(std::string_view ns, Period period, Steady now) {
  if (ignored_.empty()) return false;
  if (now >= period_ends_) ignored_.clear();
  const auto found = ignored_.find(ns);
  if (found == ignored_.end()) return false;
  if (period <= period_) return true;
  ignored_.erase(found);  // rights may be others in a later period
  return false;
}

FrameFate KeyRing::hold(Lane lane, Period period, std::string_view frame, std::size_t topic_size,
                        Steady now) {
  Held held{lane, period, false, topic_size, {}};
  if (held_.size() >= kHeldFrames || held_bytes_ + frame.size() + kHeldOverhead > kHeldBytes) {
    ++counters_.lost;
    lost_.emplace(frame.substr(0, topic_size - 1));
    return FrameFate::lost;
  }
  held.frame = frame;
  held_bytes_ += held.bytes();
  held_names_.emplace(held.ns());
  ++counters_.held;
  held_.push_back(std::move(held));
  ask_for_frames(now);
  return FrameFate::waiting;
}

FrameFate KeyRing::settle(const Held& held, const Names& blocked, Steady now) {
  if (ignores(held.ns(), held.period, now)) return FrameFate::unreadable;
  if (blocked.contains(held.ns())) return FrameFate::waiting;
  if (const StreamKey* key = keys_.leaf(held.period, held.ns())) {
    return open_body(*key, held.topic(), held.body(), plain_) ? FrameFate::opened : FrameFate::forged;
  }
  // One that came after `keys` was asked is judged by the next answer.
  if (!held.asked) return FrameFate::waiting;
  return keys_.covers(held.ns()) ? FrameFate::lost : FrameFate::unreadable;
}

void KeyRing::settle_all(Steady now) {
  Names blocked;  // an earlier frame of these still waits
  std::deque<Held> all = std::exchange(held_, {});
  drop_frames();
  for (Held& held : all) {
    switch (settle(held, blocked, now)) {
      case FrameFate::waiting:
        blocked.emplace(held.ns());
        held_bytes_ += held.bytes();
        held_names_.emplace(held.ns());
        held_.push_back(std::move(held));
        break;
      case FrameFate::opened:
        ++counters_.opened;
        opened_.push_back({held.lane, std::string(held.ns()), std::exchange(plain_, {})});
        break;
      case FrameFate::lost:
        ++counters_.lost;
        lost_.emplace(held.ns());
        break;
      case FrameFate::unreadable:
        ++counters_.unreadable;
        if (ignored_.size() < kIgnoredNames) ignored_.emplace(held.ns());
        unreadable_.emplace(held.ns());
        break;
      case FrameFate::forged:
      case FrameFate::unsealed:
        ++counters_.forged;
        break;
    }
  }
}

std::optional<KeyRing::Opened> KeyRing::take_opened() {
  if (opened_.empty()) return std::nullopt;
  Opened first = std::move(opened_.front());
  opened_.pop_front();
  return first;
}

std::vector<std::string> KeyRing::take_lost() {
  return take_names(lost_);
}

std::vector<std::string> KeyRing::take_unreadable() {
  return take_names(unreadable_);
}

}  // namespace prismbus
