// The two writing threads as agents with one step each; stepped by a thread in the broker and by hand in tests.
// They speak with the bus by bounded queues only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/store/journal.hpp"
#include "broker/store/state.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

using JournalBatch = std::vector<TransactionPtr>;

// "durable up to `durable`", or, with `failure`, "failed from the first revision of the batch".
struct JournalOutcome {
  Revision first, durable;
  std::optional<AppendFailure> failure;
  std::chrono::nanoseconds took{};
};

class JournalAgent {
 public:
  JournalAgent(Journal& journal, BoundedQueue<JournalBatch>& in, BoundedQueue<JournalOutcome>& out);
  // Takes every batch queued, one LMDB transaction each. After a failure the later batches of the same drain fail too
  // (their revisions no longer continue). Returns how many it handled; blocks for the disk.
  std::size_t step(Now now);

 private:
  Journal& journal_;
  BoundedQueue<JournalBatch>& in_;
  BoundedQueue<JournalOutcome>& out_;
  std::vector<JournalBatch> batches_;
};

struct FoldSettings {
  std::size_t changes_max = 100'000;  // an LMDB transaction holds at most 131 k dirty pages
  std::size_t changes_min = 50'000;   // small folds disturb commits: wait for this many ...
  std::chrono::milliseconds wait_max{2000};  // ... or for the oldest to be this old
};

struct FoldOutcome {
  Revision folded;
  std::optional<FoldFailure> failure;  // no_space, map_full: it will try again; io, unknown: the process has to end
  std::chrono::nanoseconds took{};
};

class FoldAgent {
 public:
  FoldAgent(State& state, FoldSettings settings, BoundedQueue<JournalBatch>& in, BoundedQueue<FoldOutcome>& out);
  // Gathers what is queued; folds when enough or old enough. After no_space it retries each 500 ms. Returns changes folded.
  std::size_t step(Now now);

 private:
  State& state_;
  const FoldSettings settings_;
  BoundedQueue<JournalBatch>& in_;
  BoundedQueue<FoldOutcome>& out_;
  std::vector<JournalBatch> drained_;
  std::vector<TransactionPtr> waiting_;
  std::size_t waiting_changes_ = 0;
  Steady oldest_{}, retry_at_{};
};

}  // namespace prismbus
