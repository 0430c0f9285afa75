#include "broker/sequencer/local.hpp"

#include "proto/base/assert.hpp"

namespace prismbus {

LocalSequencer::LocalSequencer(LocalSequencerSettings settings, Revision last,
                               BoundedQueue<JournalBatch>& to_journal,
                               BoundedQueue<JournalOutcome>& from_journal, LogSink log)
    : settings_(settings),
      to_journal_(to_journal),
      from_journal_(from_journal),
      log_(std::move(log)),
      next_(last.next()),
      durable_(last) {}

Result<void> LocalSequencer::admit(std::size_t bytes) const {
  switch (mode_) {
    case Mode::open:
      break;
    case Mode::no_space:
      return prismbus::fail(ErrorCode::read_only, "no space left in the data directory's filesystem");
    case Mode::map_full:
      return prismbus::fail(ErrorCode::read_only,
                            "the store's map is full: restart with a larger --map-bytes");
    case Mode::failed:
      // Not read_only: of a repeated request nobody knows whether its first attempt is there.
      return prismbus::fail(ErrorCode::unavailable, "the journal failed: the broker is ending");
  }
  if (gathered_bytes_ + committing_bytes_ + bytes > settings_.pending_bytes_max) {
    return tl::unexpected(overloaded("too many writes wait for the disk", 20));
  }
  return {};
}

void LocalSequencer::submit(TransactionPtr txn) {
  PRISMBUS_ASSERT(txn->rev == next_, "I1: revisions are dense");
  next_ = next_.next();
  gathered_bytes_ += txn->memory_bytes();
  gathered_.push_back(std::move(txn));
}

void LocalSequencer::flush(Now now) {
  if (committing_) return;
  if (mode_ == Mode::no_space) {
    // An empty batch asks the journal whether it can write again.
    if (now.steady >= probe_at_) hand_over({});
    return;
  }
  if (mode_ != Mode::open || gathered_.empty()) return;
  JournalBatch batch;
  std::size_t bytes = 0;
  while (!gathered_.empty() && batch.size() < settings_.batch_txns_max &&
         (batch.empty() || bytes + gathered_.front()->memory_bytes() <= settings_.batch_bytes_max)) {
    bytes += gathered_.front()->memory_bytes();
    batch.push_back(std::move(gathered_.front()));
    gathered_.pop_front();
  }
  gathered_bytes_ -= bytes;
  committing_bytes_ = bytes;
  hand_over(std::move(batch));
}

void LocalSequencer::hand_over(JournalBatch batch) {
  committing_ = true;
  const bool taken = to_journal_.try_push(std::move(batch));
  PRISMBUS_ASSERT(taken, "one batch at a time always fits the journal's queue");
}

std::optional<Progress> LocalSequencer::poll(Now now) {
  outcomes_.clear();
  if (from_journal_.drain(outcomes_) == 0) return std::nullopt;
  // A trim that broke the journal counts first: what a batch beside it became nobody needs to know any more.
  for (const JournalOutcome& outcome : outcomes_) {
    if (outcome.of_trim) return fail(*outcome.failure, now);
  }
  PRISMBUS_ASSERT(outcomes_.size() == 1 && committing_, "one batch at a time is with the journal");
  committing_ = false;
  committing_bytes_ = 0;
  const JournalOutcome& outcome = outcomes_.front();
  if (outcome.failure) return fail(*outcome.failure, now);
  meter_.count(outcome);
  if (mode_ == Mode::no_space) {
    mode_ = Mode::open;
    log_(LogLevel::info, LogLine("writes_resume").with("rev", durable_.value()).text());
    return std::nullopt;
  }
  durable_ = outcome.durable;
  return Progress{durable_, std::nullopt};
}

Progress LocalSequencer::fail(AppendFailure failure, Now now) {
  const bool was_open = mode_ == Mode::open;
  gathered_.clear();
  gathered_bytes_ = 0;
  CommitFailure kind = CommitFailure::clean;
  std::string_view reason;
  switch (failure) {
    case AppendFailure::no_space:
      mode_ = Mode::no_space, reason = "no_space";
      probe_at_ = now.steady + settings_.probe_interval;
      break;
    case AppendFailure::map_full:
      mode_ = Mode::map_full, reason = "map_full";
      break;
    case AppendFailure::io:
      mode_ = Mode::failed, reason = "io", kind = CommitFailure::unknown;
      break;
    case AppendFailure::unknown:
      mode_ = Mode::failed, reason = "unknown", kind = CommitFailure::unknown;
      break;
  }
  if (kind == CommitFailure::clean) next_ = durable_.next();
  if (was_open) {
    log_(kind == CommitFailure::unknown ? LogLevel::error : LogLevel::warn,
         LogLine("writes_stop").with("reason", reason).with("durable", durable_.value()).text());
  }
  return Progress{durable_, kind};
}

Steady LocalSequencer::next_deadline(Now now) const {
  return mode_ == Mode::no_space && !committing_ ? probe_at_ : now.steady + std::chrono::hours(1);
}

}  // namespace prismbus
