#include "broker/core/change_stream.hpp"

#include <algorithm>

#include "proto/wire/codec/stream.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::chrono::seconds kFirstMarker{1};
constexpr std::chrono::seconds kSecondMarker{5};
// Of one frame to one connection, both threads together: 105 to 135 ms for 10,000 of them.
constexpr std::chrono::microseconds kFrameCost{12};
constexpr int kHeartbeatPercent = 3;  // of the broker's time
constexpr std::chrono::seconds kHeartbeatMax{30};
constexpr std::chrono::milliseconds kOneMs{1};
constexpr std::size_t kBarrierSubscription = 1 + 5 + limits::kNonceBytes;

}  // namespace

ChangeStream::ChangeStream(const PipelineSettings& settings, Epoch epoch, Feed& feed, LiveTap* tap)
    : epoch_(epoch),
      run_(settings.run),
      heartbeat_(settings.heartbeat),
      frame_bytes_target_(settings.frame_bytes_target),
      markers_per_second_(settings.markers_per_second),
      has_express_(!settings.express.empty()),
      feed_(feed),
      tap_(tap),
      announced_(heartbeat_) {
  if (settings.stream_master) sealer_.emplace(*settings.stream_master, epoch);
}

void ChangeStream::publish(Lane lane, std::string frame, std::size_t sets) {
  Counters::OfLane& of_lane = counters_.lanes[static_cast<std::size_t>(lane)];
  ++counters_.frames;
  ++of_lane.frames;
  of_lane.bytes += frame.size();
  of_lane.sets += sets;
  feed_.publish(lane, std::move(frame));
}

void ChangeStream::add(const TransactionPtr& txn, Now now) {
  if (tap_ != nullptr) tap_->on_applied(txn);
  for (const auto& set : txn->sets) {
    const auto [it, fresh] = gathered_at_.try_emplace(set->ns, gathered_.size());
    if (fresh) {
      gathered_.push_back({set->ns, {}});
      owe_marker(set->ns, now);
    }
    gathered_[it->second].sets.push_back({set->encoded, set->lane, set->both_lanes});
  }
}

void ChangeStream::flush() {
  // Express first: it does not wait for what else this step publishes.
  const auto is_express = [](const Gathered& g) {
    return g.sets.front().lane == Lane::express || g.sets.front().both;
  };
  if (has_express_) std::stable_partition(gathered_.begin(), gathered_.end(), is_express);
  for (const Gathered& g : gathered_) publish_sets(g);
  gathered_.clear();
  gathered_at_.clear();
}

// In order of seq on each lane: a frame ends where the next set takes another way.
void ChangeStream::publish_sets(const Gathered& gathered) {
  counters_.sets += gathered.sets.size();
  Routed route = gathered.sets.front();
  std::size_t bytes = 0;
  for (const Routed& next : gathered.sets) {
    const bool same_way = next.lane == route.lane && next.both == route.both;
    if (!frame_.empty() && (!same_way || bytes + next.set.size() > frame_bytes_target_)) {
      publish_frame(gathered.ns, route);
      bytes = 0;
    }
    route = next;
    frame_.push_back(next.set);
    bytes += next.set.size();
  }
  publish_frame(gathered.ns, route);
}

void ChangeStream::publish_frame(std::string_view ns, const Routed& route) {
  std::string frame = frame_of(ns, frame_);
  const std::size_t sets = frame_.size();
  frame_.clear();
  const bool express = has_express_ && (route.both || route.lane == Lane::express);
  const bool changes = route.both || route.lane == Lane::changes;
  if (express && changes) publish(Lane::express, frame, sets);
  publish(express && !changes ? Lane::express : Lane::changes, std::move(frame), sets);
}

// Topic and body, sealed where the stream is.
std::string ChangeStream::frame_of(std::string_view ns, const std::vector<std::string_view>& sets) {
  std::string frame = codec::encode_stream_frame(ns, sets);
  return sealer_ ? sealer_->seal(ns, frame) : frame;
}

void ChangeStream::owe_marker(std::string_view ns, Now now) {
  const auto it = owed_.find(ns);
  if (it == owed_.end()) {
    const auto due = marker_due_.emplace(now.steady + kFirstMarker, std::string(ns));
    owed_.emplace(ns, Owed{now.steady, false, due});
    return;
  }
  Owed& owed = it->second;
  owed.changed = now.steady;
  // A first marker's place stays: when it comes up it is put off until this change is a second old.
  if (!owed.second) return;
  owed.second = false;
  marker_due_.erase(owed.due);
  owed.due = marker_due_.emplace(now.steady + kFirstMarker, std::string(ns));
}

void ChangeStream::on_subscription(Lane lane, std::string_view handed_up, Revision applied) {
  if (handed_up.size() != kBarrierSubscription || handed_up[0] != '\x01') return;
  const std::string_view topic = handed_up.substr(1);
  if (!topic.starts_with(kBarrierPrefix)) return;
  ++counters_.barriers;
  publish(lane, codec::encode_barrier_frame(topic, {epoch_, run_, applied}));
}

std::chrono::milliseconds ChangeStream::paced_heartbeat() const {
  const auto frames = static_cast<std::int64_t>(followers_) * (has_express_ ? 2 : 1);
  const auto affordable =
      std::chrono::duration_cast<std::chrono::milliseconds>(kFrameCost * frames * 100 / kHeartbeatPercent);
  // By steps: who was told the former one while it joined is patient enough for the next.
  const auto longest = std::min<std::chrono::milliseconds>(kHeartbeatMax, announced_ * 3 / 2 + kOneMs);
  return std::max(heartbeat_, std::min(affordable, longest));
}

std::size_t ChangeStream::step(Revision applied, HeadSource& heads, Now now) {
  std::size_t done = 0;
  if (now.steady >= heartbeat_due_) {
    // A longer interval is used one frame after it was announced.
    const auto next = paced_heartbeat();
    heartbeat_due_ = now.steady + std::min(next, announced_);
    last_heartbeat_ = now.steady;
    announced_ = next;
    const auto period = sealer_ ? std::optional(sealer_->period().value()) : std::nullopt;
    const Heartbeat beat{epoch_, run_, applied, static_cast<std::uint64_t>(next.count()), period};
    publish(Lane::changes, codec::encode_heartbeat_frame(beat));
    if (has_express_) publish(Lane::express, codec::encode_heartbeat_frame(beat));
    ++counters_.heartbeats;
    ++done;
  }
  return done + publish_markers(heads, now);
}

void ChangeStream::publish_marker(std::string_view ns, const Head& head) {
  const std::string marker = codec::encode_marker(epoch_, head);
  std::string frame = frame_of(ns, {marker});
  if (has_express_) publish(Lane::express, frame);
  publish(Lane::changes, std::move(frame));
  ++counters_.markers;
  ++markers_spent_;
}

std::size_t ChangeStream::publish_markers(HeadSource& heads, Now now) {
  constexpr std::size_t kStepMarkers = 64;
  if (now.steady >= marker_second_ + std::chrono::seconds(1)) {
    marker_second_ = now.steady;
    markers_spent_ = 0;
  }
  std::size_t done = 0;
  while (done < kStepMarkers && markers_spent_ < markers_per_second_ && !marker_due_.empty() &&
         marker_due_.begin()->first <= now.steady) {
    const std::string ns = std::move(marker_due_.begin()->second);
    marker_due_.erase(marker_due_.begin());
    const auto it = owed_.find(ns);
    Owed& owed = it->second;
    const Steady due = owed.changed + (owed.second ? kSecondMarker : kFirstMarker);
    ++done;
    if (due > now.steady) {
      owed.due = marker_due_.emplace(due, ns);
      continue;
    }
    if (const auto head = heads.head_of(ns)) publish_marker(ns, *head);
    if (owed.second) {
      owed_.erase(it);
    } else {
      owed.second = true;
      owed.due = marker_due_.emplace(owed.changed + kSecondMarker, ns);
    }
  }
  return done;
}

Steady ChangeStream::next_deadline(Steady otherwise) const {
  Steady next = std::min(otherwise, heartbeat_due_);
  if (!marker_due_.empty()) {
    const bool spent = markers_spent_ >= markers_per_second_;
    next = std::min(next, spent ? marker_second_ + std::chrono::seconds(1) : marker_due_.begin()->first);
  }
  return next;
}

}  // namespace prismbus
