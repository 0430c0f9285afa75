// SyncState, what is remembered of its work: one record for each time a namespace was brought up to the
// broker's head by requests, and figures.
#include <utility>

#include "subscriber/sync/sync_state.hpp"

namespace prismbus {
namespace {

std::string_view name_of_cause(Cause cause) {
  return cause == Cause::join ? "join" : cause == Cause::gap ? "gap" : "check";
}

}  // namespace

NamespaceSync SyncState::measure(const FollowedNamespace& n, Seq before, const SyncTotals& since) const {
  NamespaceSync out;
  out.ns = *n.name;
  out.before = before;
  out.after = n.shown ? n.copy.seq : Seq();
  out.how = n.totals.snapshots > since.snapshots ? SyncHow::snapshot
            : out.after > before                 ? SyncHow::changes
                                                 : SyncHow::nothing;
  out.events = n.totals.events - since.events;
  out.bytes = n.totals.answer_bytes - since.answer_bytes;
  return out;
}

// A request that concerns `n` leaves. It and those that follow until nothing is wanted any more are one sync.
void SyncState::open_record(FollowedNamespace& n, Now began) {
  if (n.record.open) return;
  n.record = {true, began, n.shown ? n.copy.seq : Seq(), n.totals, name_of_cause(n.cause)};
}

void SyncState::close_record(FollowedNamespace& n, Now now, std::optional<Error> error) {
  if (!std::exchange(n.record.open, false)) return;
  SyncRecord record;
  record.began = n.record.began.wall;
  record.sync = measure(n, n.record.before, n.record.totals);
  record.sync.took = std::chrono::ceil<std::chrono::milliseconds>(now.steady - n.record.began.steady);
  record.sync.error = std::move(error);
  const std::string_view asked_by = std::exchange(n.asked_by, {});
  const bool resynced = record.sync.how == SyncHow::snapshot && n.record.before > Seq();
  record.why = !asked_by.empty() ? asked_by : resynced ? name_of(n.resync_reason) : n.record.why;
  // A look that found nothing is no news, unless somebody asked for it.
  if (asked_by.empty() && record.sync.how == SyncHow::nothing && !record.sync.error && record.why == "check")
    return;
  remember(std::move(record));
}

void SyncState::remember(SyncRecord record) {
  ++metrics_.syncs;
  history_.push_back(std::move(record));
  if (history_.size() > kSyncHistory) history_.pop_front();
  history_changed_ = true;
}

}  // namespace prismbus
