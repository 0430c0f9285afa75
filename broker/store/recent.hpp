// recent: what is durable and applied but not yet folded into state. Owned by the bus thread; other threads
// get immutable snapshots of it (sorted runs that are shared, never changed). Bounded by the pipeline, which
// refuses new writes with `overloaded` while changes() or bytes() are at their limits (I8).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/store/transaction.hpp"

namespace prismbus {

// A namespace's head and figures after one change set, and that set as encoded.
struct RecentHead {
  Head head;
  NamespaceFigures figures;
};

// The head of a set's namespace after it.
[[nodiscard]] RecentHead head_after(const StoredTransaction& txn, const StoredSet& set);

// One change in recent, with the transaction that keeps its bytes alive.
struct RecentChange {
  const StoredTransaction* txn = nullptr;
  const StoredSet* set = nullptr;
  const StoredChange* change = nullptr;
  [[nodiscard]] EntryView entry() const;  // a put's; lends from txn
};

// What another thread may hold: all of recent up to `watermark`. Immutable; keeps its transactions alive.
class RecentSnapshot {
 public:
  Revision watermark;  // the applied revision when it was taken
  // Sorted runs, newest last; then chunks that are not sorted yet, newer than all of them, oldest first
  // (recent_run.hpp).
  struct Run;
  struct Chunk;
  std::vector<std::shared_ptr<const Run>> runs;
  std::vector<std::shared_ptr<const Chunk>> unsorted;
};
using RecentSnapshotPtr = std::shared_ptr<const RecentSnapshot>;

class Recent {
 public:
  explicit Recent(Revision applied);
  ~Recent();

  // Next revision exactly (I1). Amortised O(changes); no sorting until a snapshot is asked for.
  void apply(TransactionPtr txn);
  [[nodiscard]] Revision applied() const;  // the watermark

  // Newest change of a key that is not folded yet; a delete is found too (its change->op says so).
  [[nodiscard]] std::optional<RecentChange> find(std::string_view ns, std::string_view key) const;
  [[nodiscard]] const RecentHead* find_head(std::string_view ns) const;

  // Forgets everything at or below `folded`: state has it. Call only with a state read transaction renewed
  // since. Cheap: the memory itself is given back in pieces, by later calls and by tidy().
  void drop_folded(Revision folded);
  // Gives back one piece (about 0.1 ms) of what was dropped; true while there is more. For idle steps.
  bool tidy();

  // Seals what came since the last one, a bounded number of changes a call (the rest is sorted by the
  // reader); the same pointer again if nothing changed.
  [[nodiscard]] RecentSnapshotPtr snapshot();

  [[nodiscard]] std::size_t changes() const;  // not folded yet
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
