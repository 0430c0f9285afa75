// PublisherAgent's share of the outbox: which writes go into it, and when. A write that was sent already
// takes its request id along, so that an attempt whose reply was lost is recognised.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "publisher/publisher_agent.hpp"

namespace prismbus {

// Puts writes into the outbox in one transaction, in the order of the calls, so that each key's stand in it
// as they were called: `roots`, and what waits for nothing but these. Those that are in are answered and
// leave. What cannot be queued stays, and so does what was sent and found no room: its outcome is unknown.
void PublisherAgent::queue(const std::vector<Operation*>& roots) {
  using Place = Operation::Place;
  std::vector<Operation*> reached = roots;
  std::unordered_map<const Ordered*, std::uint32_t> waits_for;
  for (const Operation* op : roots) waits_for.emplace(op, 0);
  std::vector<std::pair<Operation*, OutboxRecord>> going;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    Operation& op = *reached[i];
    if (op.place != Place::blocked_expired) {
      auto record = op.for_outbox();
      if (!record) continue;
      if (op.ticket) {
        record->attempts.push_back(
            {{window_.session_bytes(*op.ticket), op.ticket->n}, op.sent_epoch, op.sent_at, false});
      }
      going.emplace_back(&op, std::move(*record));
    }
    for (Ordered* follower : op.followers) {
      auto& others = waits_for.try_emplace(follower, follower->blocked).first->second;
      if (others > 0 && --others == 0) reached.push_back(static_cast<Operation*>(follower));
    }
  }
  if (going.empty()) return;
  std::sort(going.begin(), going.end(),
            [](const auto& a, const auto& b) { return a.first->order < b.first->order; });
  std::vector<OutboxRecord> records;
  for (auto& [op, record] : going) records.push_back(std::move(record));
  const auto stored = outbox_->queue(records);
  std::vector<Operation*> leaving;
  for (std::size_t i = 0; i < going.size(); ++i) {
    Operation& op = *going[i].first;
    if (!stored && op.ticket) continue;
    if (stored) {
      tell([&] { op.answer_queued(records[i].id, records[i].epoch); });
    } else {
      tell([&] { op.fail_with(stored.error()); });
    }
    if (op.ticket) window_.close(*op.ticket, false);
    op.ticket.reset();
    if (op.place == Place::blocked) {
      op.place = Place::blocked_expired;  // leaves with the last that it waits for
      continue;
    }
    if (op.place == Place::in_flight) connection_->abandon(op.slot);
    if (op.place == Place::ready) op.place = Place::expired;
    leaving.push_back(&op);
  }
  std::erase_if(writes_, [](const Operation* op) { return op->place == Place::expired; });
  for (Operation* op : leaving) release(*op);
}

// While no broker answers: what is in flight, and what is ready.
void PublisherAgent::queue_writes() {
  std::vector<Operation*> going;
  for (const auto& slot : slots_) {
    if (slot && slot->is_write &&
        (slot->place == Operation::Place::in_flight || slot->place == Operation::Place::ready))
      going.push_back(slot.get());
  }
  queue(going);
}

// One whose time is over without an answer. False: there is no room for it.
bool PublisherAgent::queue_one(Operation& operation) {
  const auto slot = operation.slot;
  queue({&operation});
  return !slots_[slot];
}

// At the end: everything that was not answered.
void PublisherAgent::queue_open_writes() {
  std::vector<Operation*> going;
  for (const auto& slot : slots_) {
    if (!slot || !slot->is_write || slot->place == Operation::Place::expired ||
        slot->place == Operation::Place::blocked_expired)
      continue;
    going.push_back(slot.get());
  }
  queue(going);
}

}  // namespace prismbus
