#include "broker/core/pending.hpp"

#include <algorithm>

#include "proto/base/assert.hpp"

namespace prismbus {

void Pending::add(TransactionPtr txn, const ReplyTo& to, MessageId id, const InFlight::Place& place) {
  for (const auto& set : txn->sets) {
    namespaces_.insert_or_assign(set->ns, NamespaceState{txn->rev, set.get()});
    const std::uint64_t ns_hash = RecentIndex::hash_namespace(set->ns);
    for (const StoredChange& change : set->changes) keys_.put(ns_hash, {txn.get(), set.get(), &change});
  }
  changes_ += txn->change_count();
  bytes_ += txn->memory_bytes();
  writes_.push_back({std::move(txn), to, id, place, {}});
}

const Pending::NamespaceState* Pending::find_namespace(std::string_view ns) const {
  const auto it = namespaces_.find(ns);
  return it == namespaces_.end() ? nullptr : &it->second;
}

std::vector<TransactionPtr> Pending::transactions_of(std::string_view ns) const {
  std::vector<TransactionPtr> found;
  if (find_namespace(ns) == nullptr) return found;
  for (const SequencedWrite& write : writes_) {
    const auto& sets = write.txn->sets;
    if (std::any_of(sets.begin(), sets.end(), [ns](const auto& set) { return set->ns == ns; }))
      found.push_back(write.txn);
  }
  return found;
}

Revision Pending::newest_at(Wall time) const {
  const auto later =
      std::upper_bound(writes_.begin(), writes_.end(), time,
                       [](Wall at, const SequencedWrite& write) { return at < write.txn->time; });
  return later == writes_.begin() ? Revision() : std::prev(later)->txn->rev;
}

void Pending::wait_for(Revision rev, FateWaiter waiter) {
  PRISMBUS_ASSERT(!writes_.empty() && rev >= writes_.front().txn->rev && rev <= writes_.back().txn->rev,
                  "only a pending transaction has a fate to wait for");
  writes_[rev.value() - writes_.front().txn->rev.value()].waiters.push_back(std::move(waiter));
  ++waiters_;
}

SequencedWrite Pending::pop_front() {
  SequencedWrite write = std::move(writes_.front());
  writes_.pop_front();
  for (const auto& set : write.txn->sets) {
    const auto ns = namespaces_.find(set->ns);
    if (ns != namespaces_.end() && ns->second.rev == write.txn->rev) namespaces_.erase(ns);
    const std::uint64_t ns_hash = RecentIndex::hash_namespace(set->ns);
    for (const StoredChange& change : set->changes) keys_.erase(ns_hash, change);
  }
  changes_ -= write.txn->change_count();
  bytes_ -= write.txn->memory_bytes();
  waiters_ -= write.waiters.size();
  return write;
}

std::vector<SequencedWrite> Pending::drop_all() {
  ++drops_;
  std::vector<SequencedWrite> dropped(std::make_move_iterator(writes_.begin()),
                                      std::make_move_iterator(writes_.end()));
  writes_.clear();
  keys_ = {};
  namespaces_.clear();
  changes_ = bytes_ = waiters_ = 0;
  return dropped;
}

}  // namespace prismbus
