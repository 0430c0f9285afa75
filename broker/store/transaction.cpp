// What a transaction says about itself: its size, and the outcome its request id is owed.
#include "broker/store/transaction.hpp"

#include "proto/base/assert.hpp"

namespace prismbus {

std::size_t StoredTransaction::change_count() const {
  std::size_t count = 0;
  for (const auto& set : sets) count += set->changes.size();
  return count;
}

std::size_t StoredTransaction::memory_bytes() const {
  // Its place in recent's index and log, and what malloc adds to each block.
  constexpr std::size_t kPerTransaction = 96, kPerSet = 64, kPerChange = 48;
  std::size_t bytes =
      sizeof(StoredTransaction) + kPerTransaction + by.size() + (note ? note->size() : 0) + order.size() * 2;
  for (const auto& set : sets) {
    bytes += sizeof(StoredSet) + kPerSet + set->ns.size() + set->encoded.size() + set->sealed.size();
    bytes += set->changes.size() * (sizeof(StoredChange) + kPerChange);
  }
  return bytes;
}

std::shared_ptr<StoredTransaction> copy_without_sets(const StoredTransaction& txn) {
  auto out = std::make_shared<StoredTransaction>();
  out->rev = txn.rev;
  out->time = txn.time;
  out->by = txn.by;
  out->note = txn.note;
  out->req = txn.req;
  out->op = txn.op;
  out->order = txn.order;
  out->sets.reserve(txn.sets.size());
  return out;
}

std::unique_ptr<StoredSet> copy_set(const StoredSet& set, std::string encoded, std::ptrdiff_t shift) {
  auto out = std::make_unique<StoredSet>();
  out->ns = set.ns;
  out->seq = set.seq;
  out->lane = set.lane;
  out->both_lanes = set.both_lanes;
  out->after = set.after;
  out->encoded = std::move(encoded);
  out->changes = set.changes;
  out->sealed = set.sealed;
  out->sealed_by = set.sealed_by;
  out->closed = set.closed;
  const auto move = [](std::string_view& lent, const std::string& from, const std::string& to,
                       std::ptrdiff_t by) {
    if (lent.empty()) return;  // of a delete
    lent = {to.data() + (lent.data() - from.data()) + by, lent.size()};
  };
  for (StoredChange& change : out->changes) {
    move(change.key, set.encoded, out->encoded, shift);
    move(change.value, set.encoded, out->encoded, shift);
    move(change.sealed, set.sealed, out->sealed, 0);
  }
  return out;
}

TxnReply outcome_of(const StoredTransaction& txn) {
  TxnReply reply;
  reply.seqs.reserve(txn.sets.size());
  for (const auto& set : txn.sets) reply.seqs.emplace_back(set->ns, set->seq);
  if (txn.order.empty()) {
    PRISMBUS_ASSERT(txn.sets.size() == 1, "several sets need an order to give versions back in `do` order");
    for (const StoredChange& change : txn.sets[0]->changes) reply.versions.push_back(change.version);
    return reply;
  }
  std::vector<std::size_t> next(txn.sets.size(), 0);
  reply.versions.reserve(txn.order.size());
  for (const std::uint16_t set : txn.order)
    reply.versions.push_back(txn.sets[set]->changes[next[set]++].version);
  return reply;
}

}  // namespace prismbus
