// The outbox on disk: an LMDB environment in a directory of its own, held by one process at a time. Every
// call that changes something is durable when it returns (one transaction, LMDB's own two syncs). One thread;
// calls block for the disk. Tables:
//   meta      format, next id, the session of request ids and its n, the last epoch seen
//   pending   id (8 bytes BE) -> OutboxRecord: applied in the order of the ids
//   outcomes  id -> OutboxOutcome, until it is acknowledged
//   own       ns, 0x00, key -> what our last applied write of a key became; gone with the last pending write
//             that names the key
// S1: a record leaves `pending` only in the transaction that writes its outcome. S2: an id is never used
// twice. S3: an append never takes the entries of pending and outcomes, or the bytes of all three, over their
// limits. In memory: some 50 bytes for each key and namespace that a pending write names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/base/lmdb.hpp"
#include "publisher/outbox/outbox_record.hpp"

namespace prismbus {

class OutboxStore {
 public:
  struct Limits {
    std::size_t entries_max = 0, bytes_max = 0;
    lmdb::DiskFaults* faults = nullptr;  // of tests
  };
  // What our own last write of a key became, for those queued behind it.
  struct Own {
    std::string ns, key;
    Epoch epoch;
    Revision rev;
    bool gone = false;  // it was a removal
    // Set when it was applied in another form than called: what was called (absent = a removal), the base of
    // what the same caller wrote next.
    bool merged = false;
    std::optional<std::string> called;
  };
  struct Damaged {
    std::uint64_t id = 0;
    std::string why;
  };

  // Makes the directory (0700) when it is not there. unavailable: another process holds it, or it cannot be
  // opened; internal: another format.
  [[nodiscard]] static Result<std::unique_ptr<OutboxStore>> open(const std::string& directory, Limits limits);
  ~OutboxStore();
  OutboxStore(const OutboxStore&) = delete;
  OutboxStore& operator=(const OutboxStore&) = delete;

  // What is there, read beside the process that holds it. not_found: no outbox.
  [[nodiscard]] static Result<OutboxListing> read(const std::string& directory);

  // All of them or none; sets their ids. overloaded: over a limit; read_only: no space; timeout: whether they
  // are there is not known (and the store takes nothing more until it is opened again).
  [[nodiscard]] Result<void> append(std::vector<OutboxRecord>& records);
  // The first `most` records after `after`; what is damaged is told apart.
  [[nodiscard]] Result<std::vector<OutboxRecord>> load(std::uint64_t after, std::size_t most,
                                                       std::vector<Damaged>& damaged);
  // Gives `attempt` a fresh request id and stores it as the last of `record`. `fresh_session`: of a new
  // session.
  [[nodiscard]] Result<void> attempt(OutboxRecord& record, OutboxAttempt attempt, bool fresh_session);
  // Moves the record of outcome.id to the outcomes. A message that is not UTF-8 is kept with `?` for what is
  // not ASCII, one above 1 KiB not at all.
  [[nodiscard]] Result<void> settle(const OutboxOutcome& outcome, const std::vector<Own>& own);
  // Ids without an outcome are ignored.
  [[nodiscard]] Result<void> acknowledge(const std::vector<std::uint64_t>& ids);
  // The first `most` outcomes after `after`; a damaged one as a rejected one that says so.
  [[nodiscard]] Result<std::vector<OutboxOutcome>> outcomes(std::uint64_t after, std::size_t most);
  [[nodiscard]] Result<OutboxListing> list();
  [[nodiscard]] Result<std::optional<Own>> own(std::string_view ns, std::string_view key);
  // Of the broker last seen: what revisions given later belong to. Durable with the next change.
  void see_epoch(Epoch epoch) { epoch_ = epoch; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }

  // Whether a pending write changes or requires a key, or is of a namespace; see order_key(). A damaged one
  // is of none.
  [[nodiscard]] bool holds(std::uint64_t order_key) const { return holds_.contains(order_key); }
  [[nodiscard]] std::size_t pending() const { return pending_count_; }
  [[nodiscard]] std::size_t entries() const { return pending_count_ + outcome_count_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  explicit OutboxStore(Limits limits) : limits_(limits) {}
  [[nodiscard]] lmdb::Outcome<void> open_tables(bool& known_format);
  [[nodiscard]] lmdb::Outcome<void> count();
  [[nodiscard]] lmdb::Outcome<void> write_own(lmdb::WriteTxn& txn, const OutboxRecord& settled,
                                              const std::vector<Own>& own, std::ptrdiff_t& grown);
  [[nodiscard]] lmdb::Outcome<void> clear_own(lmdb::WriteTxn& txn, std::ptrdiff_t& grown);
  void hold(const OutboxRecord& record);
  void let_go(const OutboxRecord& record);
  [[nodiscard]] lmdb::Outcome<void> write_meta(lmdb::WriteTxn& txn);
  [[nodiscard]] Result<OutboxListing> list_in(MDB_txn* txn) const;
  [[nodiscard]] Result<std::vector<OutboxOutcome>> outcomes_in(MDB_txn* txn, std::uint64_t after,
                                                               std::size_t most) const;

  const Limits limits_;
  int lock_ = -1;
  std::shared_ptr<lmdb::Env> env_;
  lmdb::Dbi meta_ = 0, pending_ = 0, outcomes_ = 0, own_ = 0;
  std::uint64_t next_id_ = 1, n_ = 0;
  std::string session_;
  Epoch epoch_;
  std::size_t pending_count_ = 0, outcome_count_ = 0, bytes_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> holds_;  // how often pending writes name it
};

}  // namespace prismbus
