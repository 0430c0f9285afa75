// The two writing threads as agents with one step each; stepped by a thread in the broker and by hand in
// tests. They speak with the bus by bounded queues only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/store/journal.hpp"
#include "broker/store/retention.hpp"
#include "broker/store/state.hpp"
#include "broker/store/trim_gate.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

using JournalBatch = std::vector<TransactionPtr>;

// "durable up to `durable`", or, with `failure`, "failed from the first revision of the batch".
struct JournalOutcome {
  Revision first, durable;
  std::optional<AppendFailure> failure;
  std::chrono::nanoseconds took{};
  // With failure io or unknown: it was a trim that failed, not a batch, and the process has to end.
  bool of_trim = false;
  std::size_t changes = 0, bytes = 0;  // of a batch that is durable: in it, and of its records
};

// What the journal is told about trimming: the state's floors, as they were synced; and whether it may now.
struct TrimOrders {
  BoundedQueue<Revision>& floors;
  const TrimGate& gate;
};

class JournalAgent {
 public:
  JournalAgent(Journal& journal, BoundedQueue<JournalBatch>& in, BoundedQueue<JournalOutcome>& out,
               TrimOrders trim);
  // Takes every batch queued, one LMDB transaction each. After a failure the batches that were sequenced
  // behind the failed one fail as well, without a write, until one comes that continues at the durable
  // revision again. An empty batch is a probe: Journal::probe(), its outcome's `first` the next revision.
  // Returns how many it handled (fewer than queued when `out` is full: the rest waits for the next step);
  // blocks for the disk. When no batch waits it trims, one small transaction a step, and returns 1 for it.
  std::size_t step(Now now);

 private:
  Journal& journal_;
  BoundedQueue<JournalBatch>& in_;
  BoundedQueue<JournalOutcome>& out_;
  [[nodiscard]] bool tell();  // false while an outcome waits for room in `out`
  [[nodiscard]] JournalOutcome handle(const JournalBatch& batch);
  [[nodiscard]] std::size_t trim(Now now);

  std::vector<JournalBatch> batches_;
  std::optional<JournalOutcome> unsent_;
  std::optional<AppendFailure> failed_;

  TrimOrders orders_;
  std::vector<Revision> floors_;
  Revision trim_to_;
  Steady retry_trim_at_{};
  bool trim_broken_ = false;
};

struct FoldSettings {
  std::size_t changes_max = 60'000;          // an LMDB transaction holds at most 131 k dirty pages
  std::size_t changes_min = 30'000;          // small folds disturb commits: wait for this many ...
  std::size_t bytes_min = 32u << 20;         // ... or for this much memory, when values are large ...
  std::chrono::milliseconds wait_max{2000};  // ... or for the oldest to be this old
  // Not before this long after the first step: first answers come first.
  std::chrono::milliseconds start_hold{0};
  RetentionSettings retention;
};

struct FoldOutcome {
  Revision folded;
  Revision floor;  // the state's; synced, so the journal may be trimmed up to it
  // no_space, map_full: it will try again; io, unknown: the process has to end.
  std::optional<FoldFailure> failure;
  std::chrono::nanoseconds took{};
  std::size_t changes = 0;  // that were folded; 0 = the floor moved
};

class FoldAgent {
 public:
  // `retention`: changes of what is to be kept, the newest counts; null = there never is one.
  FoldAgent(State& state, FoldSettings settings, BoundedQueue<JournalBatch>& in,
            BoundedQueue<FoldOutcome>& out, BoundedQueue<RetentionSettings>* retention = nullptr);
  // Gathers what is queued; folds when enough or old enough, one LMDB transaction a step. After no_space or
  // map_full it tries again each 500 ms and tells each failure; after io or unknown it never folds again.
  // Between two folds it moves the floor, when retention says so, by one transaction. Returns how much it
  // did; 0 = idle.
  std::size_t step(Now now);

 private:
  void gather(Now now);
  [[nodiscard]] bool fold_is_due(Now now) const;
  [[nodiscard]] std::size_t fold(Now now);
  [[nodiscard]] std::size_t keep_floor(Now now);
  void tell(std::optional<FoldFailure> failure, Steady since, Now now, std::size_t changes = 0);
  [[nodiscard]] std::span<const TransactionPtr> next_batch() const;

  State& state_;
  const FoldSettings settings_;
  BoundedQueue<JournalBatch>& in_;
  BoundedQueue<FoldOutcome>& out_;
  std::vector<JournalBatch> drained_;
  std::vector<TransactionPtr> waiting_;
  std::size_t waiting_changes_ = 0, waiting_bytes_ = 0;
  Steady oldest_{}, retry_at_{};  // retry_at_: the start, or after a failure
  bool stopped_ = false;
  bool floor_first_ = false;  // a fold was the last that was done
  Retention retention_;
  BoundedQueue<RetentionSettings>* new_retention_;
  std::vector<RetentionSettings> drained_retention_;
  std::optional<FoldOutcome> unsent_;
};

}  // namespace prismbus
