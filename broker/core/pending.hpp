// pending: sequenced, not yet durable; with each transaction whom to answer, and who waits for its fate. Only
// validation sees what it would change (I2). Bus thread. Bounded by the sequencer's admission.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "broker/core/in_flight.hpp"
#include "broker/core/ports.hpp"
#include "broker/store/recent_index.hpp"
#include "broker/store/transaction.hpp"
#include "proto/base/bytes.hpp"

namespace prismbus {

// A request whose answer rests on a pending transaction: the answer it gets if that becomes durable, and the
// request itself, which is judged again if it does not (a repeat gets what its original gets).
struct SameOutcome {};  // it repeats the pending request's id
using FateAnswer = std::variant<SameOutcome, Error, RollbackReply>;
struct FateWaiter {
  ReplyTo to;
  MessageId id;
  std::string payload;
  FateAnswer answer;
  InFlight::Place place{};
};

struct SequencedWrite {
  TransactionPtr txn;
  ReplyTo to;
  MessageId id;
  InFlight::Place place{};
  std::vector<FateWaiter> waiters{};
};

class Pending {
 public:
  void add(TransactionPtr txn, const ReplyTo& to, MessageId id, const InFlight::Place& place);

  struct NamespaceState {
    Revision rev;
    const StoredSet* set = nullptr;
  };
  [[nodiscard]] const RecentChange* find(std::string_view ns, std::string_view key) const {
    return keys_.find(ns, key);
  }
  [[nodiscard]] const NamespaceState* find_namespace(std::string_view ns) const;

  // Those with changes in `ns`, ascending.
  [[nodiscard]] std::vector<TransactionPtr> transactions_of(std::string_view ns) const;
  // The newest that is not later than `time`; 0 = none.
  [[nodiscard]] Revision newest_at(Wall time) const;

  // `rev` must be pending. Who waits is answered when its fate is known.
  void wait_for(Revision rev, FateWaiter waiter);

  [[nodiscard]] const SequencedWrite* front() const { return writes_.empty() ? nullptr : &writes_.front(); }
  [[nodiscard]] SequencedWrite pop_front();              // it became durable
  [[nodiscard]] std::vector<SequencedWrite> drop_all();  // it never will

  [[nodiscard]] std::uint64_t drops() const { return drops_; }  // how often that happened

  [[nodiscard]] std::size_t size() const { return writes_.size(); }
  [[nodiscard]] std::size_t changes() const { return changes_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t waiters() const { return waiters_; }

 private:
  std::deque<SequencedWrite> writes_;
  RecentIndex keys_;
  std::unordered_map<std::string, NamespaceState, BytesHash, std::equal_to<>> namespaces_;
  std::size_t changes_ = 0, bytes_ = 0, waiters_ = 0;
  std::uint64_t drops_ = 0;
};

}  // namespace prismbus
