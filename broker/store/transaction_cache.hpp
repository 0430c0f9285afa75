// Transactions lately read from the journal, so that many who catch up on the same changes cost one read of
// the disk. A transaction of a revision never changes; the reader asks only for revisions above the journal's
// floor. Bounded in bytes; what was not used for longest goes first (I8). One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <unordered_map>

#include "broker/store/transaction.hpp"

namespace prismbus {

class TransactionCache {
 public:
  explicit TransactionCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  [[nodiscard]] TransactionPtr find(Revision rev) {
    const auto at = by_rev_.find(rev);
    ++(at == by_rev_.end() ? misses_ : hits_);
    if (at == by_rev_.end()) return nullptr;
    order_.splice(order_.begin(), order_, at->second);
    return *at->second;
  }
  void put(const TransactionPtr& txn) {
    const std::size_t cost = txn->memory_bytes();
    if (cost > bytes_max_ || by_rev_.contains(txn->rev)) return;
    while (bytes_ + cost > bytes_max_) {
      bytes_ -= order_.back()->memory_bytes();
      by_rev_.erase(order_.back()->rev);
      order_.pop_back();
    }
    order_.push_front(txn);
    by_rev_.emplace(txn->rev, order_.begin());
    bytes_ += cost;
  }

  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  const std::size_t bytes_max_;
  std::list<TransactionPtr> order_;  // used last first
  std::unordered_map<Revision, std::list<TransactionPtr>::iterator> by_rev_;
  std::size_t bytes_ = 0;
  std::uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace prismbus
