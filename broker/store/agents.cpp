// The journal's and the fold's steps. An outcome that its queue has no room for is kept and offered again:
// nothing is written before the one before it was told.
#include "broker/store/agents.hpp"

#include <algorithm>

#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

constexpr std::chrono::milliseconds kFoldRetry{500};
// Sessions are kept a little longer on disk than the bus counts them, so that it never misses one it still
// holds.
constexpr std::chrono::minutes kSessionSlack{10};

std::chrono::nanoseconds elapsed_since(Steady start) {
  return read_clock().steady - start;
}

bool heals(FoldFailure failure) {
  return failure == FoldFailure::no_space || failure == FoldFailure::map_full;
}

}  // namespace

// ---- journal

JournalAgent::JournalAgent(Journal& journal, BoundedQueue<JournalBatch>& in,
                           BoundedQueue<JournalOutcome>& out)
    : journal_(journal), in_(in), out_(out) {}

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
  return outcome;
}

std::size_t JournalAgent::step(Now) {
  in_.drain(batches_);
  std::size_t handled = 0;
  while (tell() && handled < batches_.size()) unsent_ = handle(batches_[handled++]);
  batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(handled));
  return handled;
}

// ---- fold

FoldAgent::FoldAgent(State& state, FoldSettings settings, BoundedQueue<JournalBatch>& in,
                     BoundedQueue<FoldOutcome>& out)
    : state_(state), settings_(settings), in_(in), out_(out) {}

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

std::size_t FoldAgent::step(Now now) {
  gather(now);
  if (retry_at_ == Steady{}) retry_at_ = now.steady + settings_.start_hold;
  if (unsent_ && out_.try_push(std::move(*unsent_))) unsent_.reset();
  if (unsent_ || stopped_ || waiting_.empty() || now.steady < retry_at_) return 0;
  const bool enough = waiting_changes_ >= settings_.changes_min || waiting_bytes_ >= settings_.bytes_min;
  if (!enough && now.steady - oldest_ < settings_.wait_max) return 0;

  const Steady start = read_clock().steady;
  const auto batch = next_batch();
  const auto folded = state_.fold(batch, now.wall - limits::kSessionLife - kSessionSlack);
  unsent_ = FoldOutcome{state_.meta().folded, std::nullopt, elapsed_since(start)};
  std::size_t changes = 0;
  if (folded) {
    for (const TransactionPtr& txn : batch) {
      changes += txn->change_count();
      waiting_bytes_ -= txn->memory_bytes();
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
    waiting_changes_ -= changes;
    oldest_ = now.steady;
  } else {
    unsent_->failure = folded.error();
    stopped_ = !heals(folded.error());
    retry_at_ = now.steady + kFoldRetry;
  }
  if (out_.try_push(std::move(*unsent_))) unsent_.reset();
  return changes;
}

}  // namespace prismbus
