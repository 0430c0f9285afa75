// The local sequencer: this broker's own counter; the journal's sync is the commit. Group commit without a
// timer: while one batch is being synced the next one gathers, capped in bytes so that a small put waits
// behind at most one of them. Bus thread; speaks with the journal agent by two queues. Keeps I1 (a revision
// that failed cleanly is given again, one that may be durable never) and I2.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "broker/core/sequencer.hpp"
#include "broker/store/agents.hpp"
#include "proto/base/bounded_queue.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

struct LocalSequencerSettings {
  std::size_t batch_bytes_max = 4u << 20;
  std::size_t batch_txns_max = 8192;
  std::size_t pending_bytes_max = 64u << 20;      // submitted, not yet durable; more is `overloaded`
  std::chrono::milliseconds probe_interval{500};  // how often a full disk is tried again
};

class LocalSequencer final : public Sequencer {
 public:
  LocalSequencer(LocalSequencerSettings settings, Revision last, BoundedQueue<JournalBatch>& to_journal,
                 BoundedQueue<JournalOutcome>& from_journal, LogSink log);

  Result<void> admit(std::size_t bytes) const override;
  Revision next() const override { return next_; }
  void submit(TransactionPtr txn) override;
  void flush(Now now) override;
  std::optional<Progress> poll(Now now) override;
  bool read_only() const override { return mode_ != Mode::open; }
  const JournalMeter& journal_meter() const override { return meter_; }
  Steady next_deadline(Now now) const override;

 private:
  enum class Mode : std::uint8_t { open, no_space, map_full, failed };
  void hand_over(JournalBatch batch);
  Progress fail(AppendFailure failure, Now now);

  const LocalSequencerSettings settings_;
  BoundedQueue<JournalBatch>& to_journal_;
  BoundedQueue<JournalOutcome>& from_journal_;
  LogSink log_;
  Mode mode_ = Mode::open;
  Revision next_, durable_;
  std::deque<TransactionPtr> gathered_;
  std::size_t gathered_bytes_ = 0, committing_bytes_ = 0;
  bool committing_ = false;
  Steady probe_at_{};
  std::vector<JournalOutcome> outcomes_;
  JournalMeter meter_;
};

}  // namespace prismbus
