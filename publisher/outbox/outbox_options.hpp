// The publisher's durable outbox, as an application sets it up and hears from it: writes called while no
// broker answers are kept on disk and applied, in the order of the calls, when one does. Value types.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/wire/messages.hpp"
#include "publisher/outbox/three_way_merge.hpp"

namespace prismbus {

// What happens to a queued write whose key was changed by somebody else since the revision it was made from.
enum class ConflictPolicy : std::uint8_t {
  server_wins,  // ours is not applied: reported as superseded, with its value
  client_wins,  // ours is applied over theirs
  newest_wins,  // whichever is younger: the time of our call against theirs at the broker
  merge,        // three_way_merge; what both changed goes to `on_leaf`, else the write is reported
  callback,     // `on_conflict` decides
};

// One key of a queued write, as the policy `callback` sees it. Lent for the call.
struct WriteConflict {
  std::string_view ns, key;
  bool other_history = false;  // the broker's history is another one: the revision we had means nothing in it
  bool base_known = false;     // false: that revision is no longer kept, or of another history
  MaybeValue base;             // what the write was made from; nullopt = absent (or not known)
  MaybeValue ours;             // nullopt = a removal
  std::optional<Entry> theirs;  // nullopt = it is not there
  Wall queued_at{};
};

struct Resolution {
  enum class Take { ours, theirs, value, remove, report };
  Take take = Take::report;
  std::string value{};  // one encoded value, for Take::value
};

// What became of a queued write. Kept in the directory until it is acknowledged.
struct OutboxOutcome {
  enum class Kind : std::uint8_t {
    applied = 1,  // as it was called
    merged,       // in another form: three-way merge, or a value of `on_conflict` or `on_leaf`
    superseded,   // not applied: the broker's version was kept; `message` says by which rule
    rejected,     // not applied, or (code timeout) not known to be; `code` and `message` say why
  };
  std::uint64_t id = 0;  // of the queued write
  Kind kind = Kind::applied;
  bool conflict = false;                 // there was one, and the policy decided it
  bool other_history = false;            // the broker had begun another history since
  bool duplicate = false;                // an earlier attempt, whose reply was lost, had been applied
  ErrorCode code = ErrorCode::internal;  // of a rejected one
  std::string message;
  Epoch epoch;
  Revision rev;  // applied, merged: its revision. Superseded: the newest of theirs
  Wall queued_at{}, settled_at{};
  struct Change {
    ChangeOp op = ChangeOp::put;
    std::string ns, key;
    std::string value;  // of what was not applied as called, so that nothing is lost; else empty
  };
  std::vector<Change> changes;
};

struct PendingWrite {
  std::uint64_t id = 0;
  Wall queued_at{};
  bool attempted = false;  // it has been sent; whether it was applied is not known
  std::vector<OutboxOutcome::Change> changes;
};

struct OutboxListing {
  std::vector<PendingWrite> pending;    // in the order they will be applied
  std::vector<OutboxOutcome> outcomes;  // not yet acknowledged, oldest first
};

struct OutboxOptions {
  std::string directory{};  // empty = no outbox. Made with mode 0700; one process at a time
  ConflictPolicy policy = ConflictPolicy::server_wins;
  std::chrono::milliseconds after{1000};  // without a broker for so long: writes are queued
  // Pending writes and outcomes not acknowledged, together, and their bytes: above either limit a write is
  // answered `overloaded`. 1..10,000,000 and 1 byte..64 GiB.
  std::size_t entries_max = 100'000;
  std::size_t bytes_max = 256u << 20;

  // All run on the background thread and must not block it. What they throw is caught and logged: the write
  // is then reported as an undecided conflict, the outcome counts as not acknowledged. Outcomes of an earlier
  // process that are not acknowledged are told once more, before anything is settled.
  LeafResolver on_leaf{};                                         // for ConflictPolicy::merge
  std::function<Resolution(const WriteConflict&)> on_conflict{};  // for ConflictPolicy::callback
  std::function<bool(const OutboxOutcome&)> on_outcome{};         // true = acknowledged, and forgotten
};

}  // namespace prismbus
