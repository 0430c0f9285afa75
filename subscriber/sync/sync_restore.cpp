// SyncState, what is known before any broker answered: namespaces of the disk cache or of a seed file. They
// are joined like after an outage: by the changes since their seq when the history is the same.
#include <algorithm>
#include <utility>

#include "subscriber/sync/seen_time.hpp"
#include "subscriber/sync/sync_state.hpp"

namespace prismbus {

bool SyncState::restore(KnownNamespace&& known, Now now) {
  const auto refuse = [&] {
    known.copy.entries.retire(garbage_);
    return false;
  };
  if (has_epoch_ && known.epoch != epoch_) {
    actions_->log(LogLevel::warn, LogLine("not_restored")
                                      .with("ns", known.ns)
                                      .with("why", "of another history than what is known already"));
    return refuse();
  }
  if (greeted_) return refuse();
  FollowedNamespace* n = find_or_follow(known.ns);
  if (n == nullptr || n->shown) return refuse();
  epoch_ = known.epoch;
  has_epoch_ = true;
  n->seen = known.copy.seq;
  n->next = std::move(known.copy);
  const std::uint64_t events = metrics_.events;
  reveal(*n);
  n->totals = {};  // no broker brought it
  metrics_.events = events;
  n->rung = known.rung;
  n->current_at =
      now.steady - std::min<std::chrono::microseconds>(age_of(known.seen, now.wall), kDurationMax);
  explain(*n, known.rung == Rung::disk ? "no broker yet: read from the cache"
                                       : "no broker yet: read from the seed");
  if (n->subtree) {
    FollowedSubtree& s = subtrees_[*n->subtree];
    s.synced = s.revealed = s.restored = true;
  }
  update_state(*n, now);
  judge_staleness(*n, now);
  return true;
}

}  // namespace prismbus
