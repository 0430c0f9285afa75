#include "subscriber/sync/lane_watch.hpp"

#include <algorithm>
#include <utility>

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kBarrierWait = 250ms, kBarrierWaitMax = 5000ms;  // PROTOCOL section 5
constexpr auto kBarrierGiveUp = 15s;
constexpr auto kNextMax = 30s;   // the longest interval a broker may announce
constexpr auto kNextMin = 10ms;  // a forged one does not make us join in a loop

}  // namespace

void LaneWatch::join(std::string topic, std::chrono::milliseconds heartbeat, Steady now,
                     std::uint64_t random) {
  open_ = true;
  joined_ = heard_ = now;
  in_force_ = false;
  topic_ = std::move(topic);
  barrier_wait_ = kBarrierWait;
  barrier_deadline_ = now + barrier_wait_;
  expect_next(heartbeat, random);
}

void LaneWatch::rejoin_barrier(std::string topic, Steady now, std::uint64_t random) {
  topic_ = std::move(topic);
  barrier_wait_ = std::min(barrier_wait_ * 2, std::chrono::milliseconds(kBarrierWaitMax));
  const auto jitter =
      std::chrono::milliseconds(random % static_cast<std::uint64_t>(barrier_wait_.count() / 4));
  barrier_deadline_ = now + barrier_wait_ + jitter;
}

LaneWatch::Barrier LaneWatch::on_barrier(std::string_view topic) {
  if (!open_ || topic != topic_) return Barrier::not_ours;
  if (in_force_) return Barrier::again;
  in_force_ = true;
  return Barrier::first;
}

void LaneWatch::expect_next(std::chrono::milliseconds next, std::uint64_t random) {
  next = std::clamp<std::chrono::milliseconds>(next, kNextMin, kNextMax);
  const std::chrono::nanoseconds three = 3 * next;
  const auto half = static_cast<std::uint64_t>(three.count() / 2);
  silence_max_ = three + std::chrono::nanoseconds(random % half);
}

bool LaneWatch::barrier_given_up(Steady now) const {
  return open_ && !in_force_ && now - joined_ >= kBarrierGiveUp;
}

Steady LaneWatch::next_deadline() const {
  if (!open_) return Steady::max();
  const Steady dead_at = heard_ + std::chrono::duration_cast<std::chrono::nanoseconds>(silence_max_);
  return in_force_ ? dead_at : std::min(dead_at, barrier_deadline_);
}

}  // namespace prismbus
