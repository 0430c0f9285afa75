// SyncState, what validators refuse: kept from readers (rejected_changes), told to the broker with the acks.
#include <utility>

#include "subscriber/sync/sync_state.hpp"
#include "subscriber/view/shown_entries.hpp"

namespace prismbus {

// `changes_scratch_` is what the set did to the replica; afterwards it says what readers see of it.
void SyncState::judge_set(FollowedNamespace& n, const SetMeta& set) {
  if (!n.rejected) return;
  on_judged(n, n.rejected->judge_set(*n.name, set, n.copy.entries, validators_, changes_scratch_, garbage_),
            set.seq);
}

// `next` is about to take the place of `copy`: `changes_scratch_` becomes what is different.
void SyncState::judge_snapshot(FollowedNamespace& n, const SetMeta& set) {
  changes_scratch_.clear();
  if (!n.rejected) return find_differences(n.copy.entries, n.next->entries, changes_scratch_);
  if (n.next->seq == Seq() && n.next->entries.size() == 0) {  // no set deleted it: there is nothing to judge
    ShownEntries(n.copy.entries, n.rejected->kept()).for_each([&](const EntryLeaf& was) {
      changes_scratch_.push_back({&was, nullptr, Reach::all});
    });
    return n.rejected->clear(garbage_);
  }
  on_judged(n,
            n.rejected->judge_snapshot(*n.name, set, n.copy.entries, n.next->entries, validators_,
                                       changes_scratch_, garbage_),
            set.seq);
}

void SyncState::on_judged(FollowedNamespace& n, RejectedChanges::Judged&& judged, Seq seq) {
  counters_.validator_exceptions = validators_.exceptions();
  if (!judged.kept_back) return;
  for (RejectedChange& change : judged.told) acks_.reject(n, std::move(change));
  counters_.rejections_untold = acks_.rejections_dropped();
  const std::uint64_t before = counters_.rejected;
  counters_.rejected += judged.refused;
  if (judged.refused != 0 && (before ^ counters_.rejected) > before) {  // repeats: another power of two
    actions_->log(LogLevel::warn, LogLine("change_rejected")
                                      .with("ns", *n.name)
                                      .with("seq", seq.value())
                                      .with("validator", judged.by)
                                      .with("keys", judged.refused)
                                      .with("count", counters_.rejected));
  }
  if (!n.rejected->over_limit() || std::exchange(n.stopped, true)) return;
  drop_held(n);
  explain(n, "more deletes are refused than entries may be kept back");
  actions_->log(LogLevel::error,
                LogLine("stopped").with("ns", *n.name).with("seq", seq.value()).with("why", *n.why));
}

// To a broker that may know nothing of this connection: what stands, besides what waits to be told anyway.
void SyncState::retell_rejections() {
  for (auto& [name, n] : namespaces_) {
    const auto standing = n->rejected && n->known ? n->rejected->standing() : nullptr;
    if (!standing) continue;
    for (const RejectedChange& change : *standing) acks_.reject(*n, change);
  }
}

}  // namespace prismbus
