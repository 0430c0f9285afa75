// SyncState, the stream: change sets, markers, heartbeats and barriers as they come (PROTOCOL section 5,
// Receiver).
#include <algorithm>
#include <utility>

#include "proto/wire/names.hpp"
#include "subscriber/sync/sync_state.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kGapWait = 75ms;             // another lane may bring what is missing
constexpr auto kSameMismatch = 60s;         // the same unequal hash causes one snapshot in this time
constexpr std::size_t kHeldOverhead = 200;  // of a set kept, besides its bytes

std::size_t size_of(const ChangeSet& set) {
  return kHeldOverhead + set.changes.size() * sizeof(Change) + content_bytes(set);
}

}  // namespace

std::size_t content_bytes(const ChangeSet& set) {
  std::size_t bytes = 0;
  for (const Change& change : set.changes) bytes += change.key.size() + change.value.size();
  return bytes;
}

FollowedNamespace* SyncState::find(std::string_view ns) {
  const auto found = namespaces_.find(ns);
  return found == namespaces_.end() ? nullptr : found->second.get();
}

// Null when `ns` is not followed. A new one below a subtree whose snapshot is complete starts empty, at seq
// 0.
FollowedNamespace* SyncState::find_or_follow(std::string_view ns) {
  if (FollowedNamespace* n = find(ns)) return n;
  const auto subtree = follow_.subtree_of(ns);
  if (!subtree && !std::binary_search(follow_.namespaces().begin(), follow_.namespaces().end(), ns))
    return nullptr;
  auto fresh = std::make_unique<FollowedNamespace>();
  FollowedNamespace& n = *fresh;
  n.name = std::make_shared<const std::string>(ns);
  n.subtree = subtree;
  if (validators_.covers(ns)) n.rejected = std::make_unique<RejectedChanges>();
  if (subtree && subtrees_[*subtree].synced && !subtrees_[*subtree].restored) {
    const FollowedSubtree& s = subtrees_[*subtree];
    n.epoch = epoch_;
    n.known = n.shown = s.revealed;
    if (!s.revealed) {
      n.next.emplace();
      n.reveal_rev = s.last_rev;
    }
    n.fresh_in = s.fresh_in;
    n.snapshot_by = s.snapshot_by;  // which said that there was nothing
  }
  ++not_live_;
  namespaces_.emplace(std::string(ns), std::move(fresh));
  mark_dirty(n);
  return &n;
}

void SyncState::on_sets(Lane lane, std::string_view ns, std::vector<ChangeSet> sets, Now now) {
  watch(lane).heard(now.steady);
  if (!has_epoch_) return;
  for (ChangeSet& set : sets) {
    if (set.epoch != epoch_) return rejoin("the stream speaks of another epoch", true, now);
    FollowedNamespace* n = find_or_follow(ns);
    if (n == nullptr) return;
    if (set.is_marker()) {
      on_marker(*n, set, now);
    } else {
      const Wall written = set.time;
      const Seq seq = set.seq, before = n->copy.seq;
      const std::size_t bytes = content_bytes(set);
      n->totals.stream_bytes += bytes;
      metrics_.stream_bytes += bytes;
      on_set(*n, std::move(set), now);
      if (!n->shown || before >= seq || n->copy.seq < seq) continue;
      n->latency = now.wall - written;
      acks_.sample(n->latency, random_());
    }
  }
  pump(now);
}

void SyncState::on_set(FollowedNamespace& n, ChangeSet&& set, Now now) {
  if (n.stopped) return;
  if (set.lane) learn_lane(n, *set.lane, now);
  if (n.can_apply() && set.seq <= n.work().seq) return;
  n.seen = std::max(n.seen, set.seq);
  if (n.can_apply() && set.seq == n.work().seq.next()) {
    apply(n, set);
    apply_held(n);
    const bool only_a_gap =
        n.need == Need::changes && n.cause == Cause::gap && !n.next && n.fresh_in == join_;
    if (only_a_gap && !n.behind()) {
      n.need = Need::nothing;  // it closed by itself
      if (n.job == 0) close_record(n, now);
      wake_runs(now);
    }
    update_state(n, now);
    return;
  }
  const bool gap = n.can_apply();
  hold(n, std::move(set), now);
  if (gap && n.need == Need::nothing && n.job == 0) {
    ++counters_.gaps;
    want(n, Need::changes, Cause::gap, now.steady + kGapWait);
  }
}

void SyncState::on_marker(FollowedNamespace& n, const ChangeSet& marker, Now now) {
  if (n.stopped) return;
  if (marker.lane) learn_lane(n, *marker.lane, now);
  n.seen = std::max(n.seen, marker.seq);
  if (!n.can_apply()) return;
  if (marker.seq > n.work().seq) {
    if (n.job == 0 && (n.need == Need::nothing || (n.need == Need::changes && n.cause != Cause::join))) {
      ++counters_.gaps;
      want(n, Need::changes, Cause::gap, now.steady);
    }
  } else if (marker.hash) {
    compare_hash(n, marker.seq, *marker.hash, now);
  }
}

void SyncState::apply(FollowedNamespace& n, const ChangeSet& set) {
  if (!set.must.empty()) {  // version 1 defines no feature: none is understood
    n.stopped = true;
    drop_held(n);
    explain(n, "a change set needs \"" + set.must.front() + "\", which this subscriber does not know");
    actions_->log(LogLevel::error,
                  LogLine("stopped").with("ns", *n.name).with("seq", set.seq.value()).with("why", *n.why));
    return;
  }
  if (std::exchange(n.gone, false)) n.shown = true;
  const bool told = n.shown && !n.next;
  changes_scratch_.clear();
  n.work().apply(set, garbage_, told ? &changes_scratch_ : nullptr);
  if (!told) return;
  acks_.touched(n);
  mark_dirty(n);
  auto meta = std::make_shared<const SetMeta>(
      SetMeta{set.seq, set.rev, set.time, set.by, set.note, epoch_, n.work().hash});
  judge_set(n, *meta);
  tell(n, meta, changes_scratch_);
}

void SyncState::apply_held(FollowedNamespace& n) {
  while (!n.held.empty() && !n.stopped) {
    const auto first = n.held.begin();
    if (first->second.seq > n.work().seq.next()) return;
    const ChangeSet set = std::move(first->second);
    const std::size_t bytes = size_of(set);
    n.held.erase(first);
    n.held_bytes -= std::min(bytes, n.held_bytes);
    held_bytes_ -= std::min(bytes, held_bytes_);
    if (set.seq == n.work().seq.next()) apply(n, set);
  }
}

void SyncState::hold(FollowedNamespace& n, ChangeSet&& set, Now now) {
  const std::size_t bytes = size_of(set);
  const std::uint64_t seq = set.seq.value();
  if (!n.held.emplace(seq, std::move(set)).second) return;
  n.held_bytes += bytes;
  held_bytes_ += bytes;
  if (held_bytes_ > options_.held_bytes_max) overflow(now);
}

void SyncState::drop_held(FollowedNamespace& n) {
  held_bytes_ -= std::min(n.held_bytes, held_bytes_);
  n.held_bytes = 0;
  n.held.clear();
}

// I8: the buffer has a limit. What is dropped is fetched again: `seen` remembers that it was there.
void SyncState::overflow(Now now) {
  ++counters_.overflows;
  actions_->log(LogLevel::warn, LogLine("buffer_overflow").with("bytes", held_bytes_));
  for (auto& [name, n] : namespaces_) {
    if (n->held.empty()) continue;
    drop_held(*n);
    if (n->can_apply() && n->job == 0 && n->need == Need::nothing) {
      want(*n, Need::changes, Cause::gap, now.steady + kGapWait);
    }
  }
}

void SyncState::compare_hash(FollowedNamespace& n, Seq seq, std::uint64_t hash, Now now) {
  if (!n.shown || n.next || !n.can_apply() || seq != n.copy.seq || hash == n.copy.hash) return;
  const bool same =
      n.mismatch.seq == seq && n.mismatch.hash == hash && now.steady - n.mismatch.at < kSameMismatch;
  if (same || n.job != 0 || n.need == Need::snapshot) return;
  n.mismatch = {seq, hash, now.steady};
  resync(n, ResyncReason::content_hash,
         "another content hash than the broker's at seq " + std::to_string(seq.value()), now);
}

void SyncState::resync(FollowedNamespace& n, ResyncReason reason, std::string why, Now now) {
  n.resync_reason = reason;
  n.settled_by = 0;  // that answer was not enough
  actions_->log(LogLevel::warn,
                LogLine("resync").with("ns", *n.name).with("seq", n.work().seq.value()).with("why", why));
  explain(n, std::move(why));
  want(n, Need::snapshot, Cause::gap, now.steady);
  update_state(n, now);
}

void SyncState::on_unread(std::string_view ns, Now now) {
  if (!greeted_ || rejoin_at_) return;
  FollowedNamespace* const n = find_or_follow(ns);
  if (n == nullptr || n->stopped || n->job != 0 || !n->can_apply()) return;  // what is asked already tells it
  want(*n, Need::changes, Cause::gap, now.steady);
  pump(now);
}

void SyncState::on_heartbeat(Lane lane, const Heartbeat& beat, Now now) {
  LaneWatch& w = watch(lane);
  w.heard(now.steady);
  if (!greeted_ || !w.open()) return;
  w.expect_next(std::chrono::milliseconds(std::min<std::uint64_t>(beat.next_ms, 30'000)), random_());
  // A heartbeat is never proof: `hello` will say whether the epoch or the run really changed.
  if (beat.epoch != epoch_ || beat.run != run_) rejoin("a heartbeat of another epoch or run", false, now);
}

void SyncState::on_barrier(Lane lane, std::string_view topic, const Barrier& barrier, Now now) {
  LaneWatch& w = watch(lane);
  w.heard(now.steady);
  if (!greeted_ || rejoin_at_) return;
  if (topic == w.topic() && (barrier.epoch != epoch_ || barrier.run != run_)) {
    return rejoin("a barrier of another epoch or run", false, now);
  }
  switch (w.on_barrier(topic)) {
    case LaneWatch::Barrier::not_ours:
      return;
    case LaneWatch::Barrier::again:
      return rejoin("the stream's connection was made anew", false, now);
    case LaneWatch::Barrier::first:
      break;
  }
  next_work_ = now.steady;
  pump(now);
}

}  // namespace prismbus
