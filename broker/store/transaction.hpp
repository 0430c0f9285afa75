// A sequenced transaction: the one in-memory form that is shared, immutable, by everything after the
// sequencer (pending, journal, recent, fold, stream, replies). Its change sets are kept exactly as they go on
// the wire, so that each is encoded once and what is on disk is what was published.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/messages.hpp"

namespace prismbus {

// Running figures of a namespace after a change set.
struct NamespaceFigures {
  std::uint64_t hash = 0;   // sum of entry_hash over live entries
  std::uint64_t keys = 0;   // live entries
  std::uint64_t bytes = 0;  // key + value bytes of live entries
  friend bool operator==(const NamespaceFigures&, const NamespaceFigures&) = default;
};

// One change; key and value lend from the `encoded` of its set.
struct StoredChange {
  ChangeOp op = ChangeOp::put;
  std::string_view key, value;
  std::uint64_t version = 0;  // 0 for a delete
  Revision created;           // revision that created the entry; 0 for a delete
  std::string_view sealed{};  // a secret value as it goes to disk, lent from the set's `sealed`; else empty
  [[nodiscard]] std::string_view on_disk() const { return sealed.empty() ? value : sealed; }
};

struct StoredSet {
  std::string ns;
  Seq seq;
  Lane lane = Lane::changes;
  bool both_lanes = false;  // goes out on both lanes; of this run only, not journaled
  NamespaceFigures after;
  std::string encoded;  // the change set map of the contract
  std::vector<StoredChange> changes;

  // Of a secret namespace: its values sealed (value_seal.hpp), one after another, and by which master.
  std::string sealed;
  std::uint64_t sealed_by = 0;
  bool closed = false;  // read from disk and not opened: `encoded` holds ciphertext where values belong

  StoredSet() = default;
  StoredSet(StoredSet&&) = delete;  // `changes` point into `encoded`: a set never moves once built
};

enum class WriteOp : std::uint8_t { put = 1, del = 2, txn = 3, rollback = 4 };

struct StoredTransaction {
  Revision rev;
  Wall time{};
  std::string by;
  std::optional<std::string> note;
  std::optional<RequestId> req;
  WriteOp op = WriteOp::put;
  // For a txn over several namespaces: which set each item of `do` went to, in `do` order. Empty = all in set
  // 0, in order.
  std::vector<std::uint16_t> order;
  std::vector<std::unique_ptr<StoredSet>> sets;  // in namespace order, each namespace once

  [[nodiscard]] std::size_t change_count() const;
  [[nodiscard]] std::size_t memory_bytes() const;  // what it costs in `pending` and `recent`, about
};
using TransactionPtr = std::shared_ptr<const StoredTransaction>;

// A copy of all but its change sets, for which it has room.
[[nodiscard]] std::shared_ptr<StoredTransaction> copy_without_sets(const StoredTransaction& txn);
// A copy of `set` around `encoded`, in which everything behind its epoch stands `shift` bytes later.
[[nodiscard]] std::unique_ptr<StoredSet> copy_set(const StoredSet& set, std::string encoded,
                                                  std::ptrdiff_t shift);

// The outcome a repeated request id gets, from the transaction itself: versions in `do` order, seqs by
// namespace.
[[nodiscard]] TxnReply outcome_of(const StoredTransaction& txn);

}  // namespace prismbus
