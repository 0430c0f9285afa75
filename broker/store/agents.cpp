// The journal's and the fold's steps. An outcome that its queue has no room for is kept and offered again:
// nothing is written before the one before it was told.
#include "broker/store/agents.hpp"

#include <algorithm>

#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

constexpr std::chrono::milliseconds kFoldRetry{500}, kTrimRetry{500};
// Sessions are kept a little longer on disk than the bus counts them, so that it never misses one it still
// holds.
constexpr std::chrono::minutes kSessionSlack{10};

std::chrono::nanoseconds elapsed_since(Steady start) {
  return read_clock().steady - start;
}

bool heals(AppendFailure failure) {
  return failure == AppendFailure::no_space || failure == AppendFailure::map_full;
}

bool heals(FoldFailure failure) {
  return failure == FoldFailure::no_space || failure == FoldFailure::map_full;
}

}  // namespace

// ---- journal

JournalAgent::JournalAgent(Journal& journal, BoundedQueue<JournalBatch>& in,
                           BoundedQueue<JournalOutcome>& out, TrimOrders trim)
    : journal_(journal), in_(in), out_(out), orders_(trim) {}

bool JournalAgent::tell() {
  if (unsent_ && out_.try_push(std::move(*unsent_))) unsent_.reset();
  return !unsent_;
}

JournalOutcome JournalAgent::handle(const JournalBatch& batch) {
  const Steady start = read_clock().steady;
  const Revision next = journal_.meta().last.next();
  JournalOutcome outcome{batch.empty() ? next : batch.front()->rev, journal_.meta().last, std::nullopt, {}};
  if (failed_ && outcome.first != next) {
    outcome.failure = failed_;  // sequenced behind a batch that failed, before the bus heard of it
    return outcome;
  }
  const auto written = batch.empty() ? journal_.probe() : journal_.append(batch);
  failed_ = written ? std::nullopt : std::optional(written.error());
  outcome.failure = failed_;
  outcome.durable = journal_.meta().last;
  outcome.took = elapsed_since(start);
  if (written && !batch.empty()) {
    for (const TransactionPtr& txn : batch) outcome.changes += txn->change_count();
    outcome.bytes = journal_.appended_bytes();
  }
  return outcome;
}

std::size_t JournalAgent::step(Now now) {
  in_.drain(batches_);
  std::size_t handled = 0;
  while (tell() && handled < batches_.size()) unsent_ = handle(batches_[handled++]);
  batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(handled));
  return handled > 0 || !batches_.empty() ? handled : trim(now);
}

std::size_t JournalAgent::trim(Now now) {
  orders_.floors.drain(floors_);
  for (const Revision floor : floors_) trim_to_ = std::max(trim_to_, floor);
  floors_.clear();
  const JournalMeta& meta = journal_.meta();
  // The last record stays: time goes on from it after a start.
  const Revision to =
      meta.last == Revision(0) ? meta.last : std::min(trim_to_, Revision(meta.last.value() - 1));
  if (to <= meta.floor || trim_broken_ || orders_.gate.closed() || now.steady < retry_trim_at_ || !tell())
    return 0;
  const auto trimmed = journal_.trim(to, {});
  if (trimmed) return 1;
  if (heals(trimmed.error())) {
    retry_trim_at_ = now.steady + kTrimRetry;
    return 0;
  }
  trim_broken_ = true;
  unsent_ = JournalOutcome{meta.last.next(), meta.last, trimmed.error(), {}, true};
  return tell() ? 1 : 0;
}

// ---- fold

FoldAgent::FoldAgent(State& state, FoldSettings settings, BoundedQueue<JournalBatch>& in,
                     BoundedQueue<FoldOutcome>& out, BoundedQueue<RetentionSettings>* retention)
    : state_(state),
      settings_(settings),
      in_(in),
      out_(out),
      retention_(settings.retention, state),
      new_retention_(retention) {}

void FoldAgent::gather(Now now) {
  in_.drain(drained_);
  for (JournalBatch& batch : drained_) {
    for (TransactionPtr& txn : batch) {
      if (waiting_.empty()) oldest_ = now.steady;
      waiting_changes_ += txn->change_count();
      waiting_bytes_ += txn->memory_bytes();
      waiting_.push_back(std::move(txn));
    }
  }
  drained_.clear();
  if (new_retention_ != nullptr && new_retention_->drain(drained_retention_) > 0) {
    retention_.set(drained_retention_.back());
    drained_retention_.clear();
  }
}

std::span<const TransactionPtr> FoldAgent::next_batch() const {
  std::size_t count = 0, changes = 0;
  while (count < waiting_.size()) {
    changes += waiting_[count]->change_count();
    if (count > 0 && changes > settings_.changes_max) break;
    ++count;
  }
  return std::span(waiting_).first(count);
}

bool FoldAgent::fold_is_due(Now now) const {
  if (waiting_.empty()) return false;
  const bool enough = waiting_changes_ >= settings_.changes_min || waiting_bytes_ >= settings_.bytes_min;
  return enough || now.steady - oldest_ >= settings_.wait_max;
}

std::size_t FoldAgent::step(Now now) {
  gather(now);
  if (retry_at_ == Steady{}) retry_at_ = now.steady + settings_.start_hold;
  if (unsent_ && out_.try_push(std::move(*unsent_))) unsent_.reset();
  if (unsent_ || stopped_ || now.steady < retry_at_) return 0;
  // By turns, so that neither keeps the other waiting for long.
  if (fold_is_due(now) && !floor_first_) return fold(now);
  floor_first_ = false;
  if (const std::size_t done = keep_floor(now); done > 0 || stopped_ || now.steady < retry_at_) return done;
  return fold_is_due(now) && !unsent_ ? fold(now) : 0;
}

std::size_t FoldAgent::fold(Now now) {
  const Steady start = read_clock().steady;
  const auto batch = next_batch();
  const auto folded = state_.fold(batch, now.wall - limits::kSessionLife - kSessionSlack);
  std::size_t changes = 0;
  if (folded) {
    for (const TransactionPtr& txn : batch) {
      changes += txn->change_count();
      waiting_bytes_ -= txn->memory_bytes();
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
    waiting_changes_ -= changes;
    oldest_ = now.steady;
    floor_first_ = true;
    retention_.folded();
  }
  tell(folded ? std::nullopt : std::optional(folded.error()), start, now, changes);
  return changes;
}

std::size_t FoldAgent::keep_floor(Now now) {
  const Steady start = read_clock().steady;
  const auto moved = retention_.step(now);
  if (moved && !*moved) return 0;
  tell(moved ? std::nullopt : std::optional(moved.error()), start, now);
  return moved ? 1 : 0;
}

void FoldAgent::tell(std::optional<FoldFailure> failure, Steady since, Now now, std::size_t changes) {
  unsent_ = FoldOutcome{state_.meta().folded, state_.meta().floor, failure, elapsed_since(since), changes};
  if (failure) {
    stopped_ = !heals(*failure);
    retry_at_ = now.steady + kFoldRetry;
  }
  if (out_.try_push(std::move(*unsent_))) unsent_.reset();
}

}  // namespace prismbus
