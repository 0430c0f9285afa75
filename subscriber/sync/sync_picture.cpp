// SyncState, what is shown: states, events, and the next picture (I6, I11).
#include <algorithm>
#include <utility>

#include "proto/base/hash.hpp"
#include "subscriber/sync/sync_state.hpp"

namespace prismbus {

void SyncState::mark_dirty(FollowedNamespace& n) {
  if (!std::exchange(n.dirty, true)) dirty_.push_back(&n);
}

void SyncState::explain(FollowedNamespace& n, std::string why) {
  if (n.why && *n.why == why) return;
  n.why = std::make_shared<const std::string>(std::move(why));
  mark_dirty(n);
}

void SyncState::tell(FollowedNamespace& n, const std::shared_ptr<const SetMeta>& set,
                     const std::vector<KeyChange>& changes) {
  for (const KeyChange& change : changes) {
    SyncEvent event;
    event.ns = n.name;
    event.change = change;
    event.set = set;
    events_.push_back(std::move(event));
  }
  const auto seen = [](const KeyChange& change) { return change.reach != Reach::replica; };
  SyncEvent moved;
  moved.kind = SyncEvent::Kind::moved;
  moved.ns = n.name;
  moved.set = set;
  moved.changes = static_cast<std::size_t>(std::count_if(changes.begin(), changes.end(), seen));
  n.totals.events += moved.changes;
  metrics_.events += moved.changes;
  events_.push_back(std::move(moved));
}

// `next` takes the place of `copy`, whole.
void SyncState::reveal(FollowedNamespace& n) {
  const bool again = n.shown;
  n.gone = n.subtree.has_value() && n.next->seq == Seq() && n.next->entries.size() == 0;
  auto meta = std::make_shared<const SetMeta>(
      SetMeta{n.next->seq, n.next->rev, n.next->time, {}, {}, epoch_, n.next->hash});
  judge_snapshot(n, *meta);
  n.copy.entries.retire(garbage_);
  n.copy = std::move(*n.next);
  n.next.reset();
  n.known = true;
  n.epoch = epoch_;
  n.rung = Rung::memory;
  acks_.touched(n);
  n.shown = !n.gone;
  const std::size_t first = events_.size();
  tell(n, meta, changes_scratch_);
  ++n.totals.snapshots;
  if (again) {
    ++metrics_.resyncs[static_cast<std::size_t>(n.resync_reason)];
    ++n.resyncs;
    ++counters_.resyncs;
    for (std::size_t i = first; i < events_.size(); ++i) {
      events_[i].resync = true;
      events_[i].why = n.why;
    }
  }
  mark_dirty(n);
}

void SyncState::update_state(FollowedNamespace& n, Now now) {
  NamespaceState state = NamespaceState::catching_up;
  const bool in_view = n.shown || n.gone;
  if (n.stopped || n.denied || (!greeted_ && in_view)) {
    state = NamespaceState::stale;
  } else if (!in_view) {
    state = NamespaceState::joining;
  } else if (n.fresh_in == join_ && n.can_apply() && !n.next && n.need != Need::snapshot) {
    const bool join_pending = n.need == Need::changes && n.cause == Cause::join;
    const bool asked = n.job != 0 && n.cause != Cause::check;
    if (!join_pending && !asked) state = NamespaceState::live;
  }
  if (state == n.state) return;
  if (n.state == NamespaceState::live) ++not_live_;
  // What a broker just told counts as current until it goes stale for another reason.
  if (n.state == NamespaceState::live || n.current_at == Steady{}) n.current_at = now.steady;
  if (state == NamespaceState::live) {
    n.rung = Rung::memory;
    n.stale_told = n.refused = false;
  } else {
    stale_at_ = std::min(stale_at_, now.steady);
  }
  if (state == NamespaceState::live && --not_live_ == 0) calm_since_ = now.steady;
  SyncEvent event;
  event.kind = SyncEvent::Kind::state;
  event.ns = n.name;
  event.before = std::exchange(n.state, state);
  event.after = state;
  if (state != NamespaceState::live) event.why = n.why;
  events_.push_back(std::move(event));
  mark_dirty(n);
}

void SyncState::update_all_states(Now now) {
  for (auto& [name, n] : namespaces_) update_state(*n, now);
}

bool SyncState::all_live() const {
  return greeted_ && !rejoin_at_ && not_live_ == 0 &&
         std::all_of(subtrees_.begin(), subtrees_.end(),
                     [&](const FollowedSubtree& s) { return s.revealed && s.fresh_in == join_; });
}

SyncUpdate SyncState::take_update() {
  SyncUpdate update;
  const Told now_told{epoch_, all_live(), in_force(), broker_, metrics_, refused_};
  for (FollowedNamespace* n : dirty_) {
    n->dirty = false;
    auto* leaf = new NamespaceLeaf;
    leaf->hash = xxh3_64(*n->name);
    leaf->name = n->name;
    leaf->shown = n->shown;
    if (n->shown) {
      leaf->entries = n->copy.entries;
      leaf->seq = n->copy.seq;
      leaf->rev = n->copy.rev;
      leaf->content_hash = n->copy.hash;
      if (n->rejected) {
        leaf->kept = n->rejected->kept();
        leaf->rejected = n->rejected->standing();
      }
    }
    leaf->epoch = n->epoch;
    leaf->time = n->copy.time;
    leaf->rung = n->rung;
    leaf->refused = n->refused;
    leaf->denied = n->denied;
    leaf->state = n->state;
    leaf->current_at = n->current_at;
    leaf->resyncs = n->resyncs;
    leaf->events = n->totals.events;
    leaf->bytes = n->totals.stream_bytes + n->totals.answer_bytes;
    leaf->behind = n->seen > leaf->seq ? n->seen.value() - leaf->seq.value() : 0;
    leaf->latency = n->latency;
    leaf->why = n->why;
    table_.put(leaf, garbage_);
  }
  if (!dirty_.empty() || now_told != told_ || history_changed_) {
    dirty_.clear();
    told_ = now_told;
    if (std::exchange(history_changed_, false)) {
      told_history_ = std::make_shared<const std::vector<SyncRecord>>(history_.begin(), history_.end());
    }
    update.root = new ViewRoot{told_.epoch, told_.all_live, told_.connected, told_.broker,
                               table_,      told_.metrics,  told_history_,   told_.refused};
  }
  update.events = std::exchange(events_, {});
  update.garbage = std::exchange(garbage_, {});
  return update;
}

}  // namespace prismbus
