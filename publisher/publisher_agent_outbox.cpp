// PublisherAgent's share of the outbox: which writes go into it, and when. A write that was sent already
// takes its request id along, so that an attempt whose reply was lost is recognised.
#include <algorithm>
#include <utility>

#include "publisher/publisher_agent.hpp"

namespace prismbus {

// Stores them in one transaction and answers those that are in. What cannot be queued, or found no room, is
// left as it is (false).
std::vector<bool> PublisherAgent::queue(const std::vector<Operation*>& operations) {
  std::vector<OutboxRecord> records;
  std::vector<std::size_t> which;
  std::vector<bool> queued(operations.size(), false);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Operation& op = *operations[i];
    auto record = op.for_outbox();
    if (!record) continue;
    if (op.ticket) {
      record->attempts.push_back(
          {{window_.session_bytes(*op.ticket), op.ticket->n}, op.sent_epoch, op.sent_at, false});
    }
    records.push_back(std::move(*record));
    which.push_back(i);
  }
  if (records.empty()) return queued;
  const auto stored = outbox_->queue(records);
  for (std::size_t r = 0; r < records.size(); ++r) {
    Operation& op = *operations[which[r]];
    if (stored) {
      tell([&] { op.answer_queued(records[r].id, records[r].epoch); });
    } else if (op.ticket) {
      continue;  // its outcome is unknown: whoever waits for it is told so in time
    } else {
      tell([&] { op.fail_with(stored.error()); });
    }
    if (op.ticket) window_.close(*op.ticket, false);
    op.ticket.reset();
    queued[which[r]] = true;
  }
  return queued;
}

// While no broker answers: what is in flight, then what is ready. In order of the calls, so that each key's
// writes stand in the outbox as they were called; those that wait for another of their key follow when that
// is out of the way.
void PublisherAgent::queue_writes(Now) {
  std::vector<Operation*> going;
  if (!counters_.connected.load(std::memory_order_relaxed)) {
    for (const auto& slot : slots_) {
      if (slot && slot->is_write && slot->place == Operation::Place::in_flight) going.push_back(slot.get());
    }
  }
  for (Operation* op : writes_) {
    if (op->place == Operation::Place::ready) going.push_back(op);
  }
  if (going.empty()) return;
  std::sort(going.begin(), going.end(), [](const auto* a, const auto* b) { return a->order < b->order; });
  const auto queued = queue(going);
  std::vector<Operation*> gone;
  for (std::size_t i = 0; i < going.size(); ++i) {
    if (!queued[i]) continue;
    Operation& op = *going[i];
    if (op.place == Operation::Place::in_flight) {
      connection_->abandon(op.slot);
    } else {
      op.place = Operation::Place::expired;
    }
    gone.push_back(&op);
  }
  std::erase_if(writes_, [](const Operation* op) { return op->place == Operation::Place::expired; });
  for (Operation* op : gone) release(*op);
}

// One whose time is over without an answer.
bool PublisherAgent::queue_one(Operation& operation) {
  if (!queue({&operation}).front()) return false;
  release(operation);
  return true;
}

// At the end: everything that was not answered, as it stands.
void PublisherAgent::queue_open_writes() {
  std::vector<Operation*> going;
  for (const auto& slot : slots_) {
    if (!slot || !slot->is_write || slot->place == Operation::Place::expired ||
        slot->place == Operation::Place::blocked_expired)
      continue;
    going.push_back(slot.get());
  }
  if (going.empty()) return;
  std::sort(going.begin(), going.end(), [](const auto* a, const auto* b) { return a->order < b->order; });
  const auto queued = queue(going);
  for (std::size_t i = 0; i < going.size(); ++i) {
    if (queued[i]) going[i]->place = Operation::Place::expired;
  }
}

}  // namespace prismbus
