// Everything the machine knows of one namespace and of one subtree. Plain data, owned and moved about by
// SyncState.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/wire/messages.hpp"
#include "subscriber/sync/rejected_changes.hpp"
#include "subscriber/view/namespace_copy.hpp"
#include "subscriber/view/sync_report.hpp"
#include "subscriber/view/view.hpp"

namespace prismbus {

enum class Need : std::uint8_t { nothing, snapshot, changes, survey };
// Why changes are wanted: after a join (only once the barriers came), to close a gap, or to look for a lost
// tail.
enum class Cause : std::uint8_t { join, gap, check };

// What was done for a namespace since the start.
struct SyncTotals {
  std::uint64_t events = 0;                          // changes of keys that readers noticed
  std::uint64_t stream_bytes = 0, answer_bytes = 0;  // keys and values
  std::uint64_t snapshots = 0;                       // that took the place of its picture
};

struct FollowedNamespace {
  std::shared_ptr<const std::string> name;
  std::optional<std::size_t> subtree;  // unset: followed exactly

  NamespaceCopy copy;                         // what readers see when `shown`, but for what is kept back
  std::unique_ptr<RejectedChanges> rejected;  // what is; null: no validator covers it
  Epoch epoch;                                // the history `copy` belongs to
  Rung rung = Rung::memory;
  bool shown = false;
  bool gone = false;   // named no more by its subtree's snapshot: nothing to show, and that is right
  bool known = false;  // `copy` belongs to this epoch: the set after its seq may be applied
  std::optional<NamespaceCopy>
      next;  // a finished snapshot; replaces `copy` whole once it passed `reveal_rev`
  Revision reveal_rev;
  bool building = false;                    // a snapshot of it is being read
  Seq seen;                                 // the highest seq anything told of
  std::map<std::uint64_t, ChangeSet> held;  // by seq: not applicable yet
  std::size_t held_bytes = 0;

  Need need = Need::nothing;
  Cause cause = Cause::join;
  Steady need_at{};
  bool snapshot_queued = false, changes_queued = false;  // in SyncState's lists of those in need
  std::uint64_t job = 0;                                 // the request that will answer, 0 = none
  Seq seen_at_ask;
  std::uint64_t fresh_in = 0;  // the join in which an answer after the barriers confirmed it
  bool stopped = false;        // a feature of a set is not understood: nothing after it is applied
  bool denied = false;         // the broker refused it; asked again at the next check

  // Tags of the requests behind what is shown: of the last snapshot, and of the last one answered to its end.
  std::uint64_t snapshot_by = 0, settled_by = 0;
  SyncTotals totals;
  std::chrono::microseconds latency{};  // of the last set the stream brought, from its time until applied
  ResyncReason resync_reason = ResyncReason::content_hash;  // of the next snapshot
  std::string_view asked_by;                                // the call that made it ask
  struct {
    bool open = false;
    Now began{};
    Seq before;
    SyncTotals totals;
    std::string_view why;
  } record;  // the sync under way (sync_records)

  std::uint64_t named_in = 0;  // the last survey that named it

  Lane lane = Lane::changes;
  NamespaceState state = NamespaceState::joining;
  Steady current_at{};
  bool stale_told = false, refused = false;  // since it was live last
  std::uint64_t resyncs = 0;
  std::shared_ptr<const std::string> why;
  struct {
    Seq seq;
    std::uint64_t hash = 0;
    Steady at{};
  } mismatch;  // the last unequal hash that caused a snapshot
  bool dirty = false;
  bool to_ack = false;  // in AckState's list of those to tell

  [[nodiscard]] NamespaceCopy& work() { return next ? *next : copy; }
  [[nodiscard]] bool can_apply() const { return !building && !stopped && (next || known); }
  // Its last snapshot did not make it equal to the broker, and nothing came since.
  [[nodiscard]] bool unequal() const {
    return shown && copy.seq > Seq() && mismatch.seq == copy.seq && mismatch.hash != copy.hash;
  }
  [[nodiscard]] bool behind() { return work().seq < seen; }
};

struct FollowedSubtree {
  std::string under;
  Need need = Need::snapshot;  // changes = those since `first_rev`
  Steady need_at{};
  std::uint64_t job = 0;
  bool synced = false;    // its snapshot in this epoch is complete
  bool revealed = false;  // ... and its namespaces are shown
  bool restored = false;  // synced by what disk or seed held: the first survey tells what they lack
  std::uint64_t snapshot_by = 0, survey_by = 0;             // tags of the last ones that were answered
  ResyncReason resync_reason = ResyncReason::content_hash;  // of the next snapshot
  Revision first_rev, last_rev;                             // of the snapshot's first and last chunk
  std::uint64_t fresh_in = 0;
};

}  // namespace prismbus
