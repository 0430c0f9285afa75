// The journal: the truth. LMDB environment journal/ with `log` (revision -> transaction record) and `meta`
// (format, epoch, floor, hash at the floor, last revision), default sync. Owned by the journal thread;
// readers take their own transactions (JournalReader). Keeps I1 (revisions are dense: append refuses anything
// but last + 1) and I4.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/store/transaction.hpp"
#include "proto/base/hash.hpp"
#include "proto/base/lmdb.hpp"
#include "proto/seal/value_seal.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

enum class AppendFailure : std::uint8_t {
  no_space,  // clean: nothing of the batch is there; heals when space comes (ENOSPC, own quota)
  map_full,  // clean; heals only by a restart with a larger map
  io,        // a write or sync failed: refuse writes at once, leave the process within a second
  unknown,   // the meta write failed (MDB_PANIC): the batch may or may not be there; leave at once
};

struct JournalMeta {
  std::uint64_t format = 1;
  Epoch epoch;
  Revision floor;  // revisions <= floor were trimmed; 0 = none
  Hash128 hash_at_floor;
  Revision last;
  std::uint64_t sealed_by = 0;  // ValueVault::id() of the master of secret values; 0 = there are none
};

class Journal {
 public:
  // Opens journal/ under `dir`, creating it with `epoch_if_new` when it is not there.
  // Errors: unavailable (cannot open, locked by another broker), unsupported (newer format), internal
  // (corrupt meta).
  [[nodiscard]] static Result<Journal> open(const std::string& dir, std::size_t map_bytes, Epoch epoch_if_new,
                                            lmdb::DiskFaults* faults);

  [[nodiscard]] const JournalMeta& meta() const { return meta_; }  // journal thread

  // Appends the batch in one LMDB transaction and syncs it. Blocks for the disk. After a failure `meta()` and
  // the chain stand where they stood before. Asserts that revisions continue densely.
  [[nodiscard]] Result<void, AppendFailure> append(std::span<const TransactionPtr> batch);
  [[nodiscard]] std::size_t appended_bytes() const { return appended_bytes_; }  // records of the last one

  // How much one transaction of trim removes; it takes one record at least.
  struct TrimStep {
    std::size_t records = 1'000;
    std::size_t bytes = std::size_t{8} << 20;
  };
  // Removes records from the floor on towards `to`, in (floor, last), in one LMDB transaction, synced; the
  // floor and the hash at it go with it. Only what the state, synced, no longer needs: `to` is at most its
  // floor. Failures as append's.
  [[nodiscard]] Result<void, AppendFailure> trim(Revision to, TrimStep step);

  // Rewrites the meta record and syncs it: tells whether a journal that had no space can write again, without
  // a client's write. An empty append, done once the file system has 1 MiB left; failures as append's.
  [[nodiscard]] Result<void, AppendFailure> probe();
  [[nodiscard]] const lmdb::Fault& last_fault() const {
    return last_fault_;
  }  // of the last failure, for the log

  // Replays (after, last] in order, checksums and chain verified, secret values as they are on disk; stops at
  // the first error. Start-up only.
  [[nodiscard]] Result<void> replay(Revision after, const std::function<void(TransactionPtr)>& each) const;

  // What opens secret values for JournalReaders that are made from then on; before any thread is.
  void use(std::shared_ptr<const ValueVault> vault) { vault_ = std::move(vault); }
  [[nodiscard]] const std::shared_ptr<const ValueVault>& vault() const { return vault_; }

  [[nodiscard]] const std::shared_ptr<lmdb::Env>& env() const { return env_; }
  [[nodiscard]] lmdb::Dbi log_dbi() const { return log_; }
  [[nodiscard]] lmdb::Dbi meta_dbi() const { return meta_dbi_; }

 private:
  Journal() = default;
  [[nodiscard]] lmdb::Outcome<void> write(std::span<const TransactionPtr> batch, JournalMeta& meta,
                                          Hash128& chain);
  [[nodiscard]] lmdb::Outcome<void> remove(Revision to, TrimStep step, JournalMeta& meta);
  std::shared_ptr<lmdb::Env> env_;
  lmdb::Dbi log_{}, meta_dbi_{};
  JournalMeta meta_;
  Hash128 chain_;  // hash of the last record
  std::string scratch_;
  std::size_t appended_bytes_ = 0;
  lmdb::Fault last_fault_;
  std::shared_ptr<const ValueVault> vault_;
};

// Reads records in a read transaction of its own; one thread; renew() to see what was appended since.
class JournalReader {
 public:
  explicit JournalReader(const Journal& journal);
  void renew();
  void release();  // holds no LMDB snapshot until the next renew
  // `compacted` when it is at or below the floor, not_found when it is above the last, internal when corrupt.
  [[nodiscard]] Result<TransactionPtr> read(Revision rev);
  // Of the snapshot held; 0 when it could not be had.
  [[nodiscard]] Revision floor() const { return bounds_ ? bounds_->floor : Revision(0); }

 private:
  struct Bounds {
    Revision floor, last;
  };
  std::shared_ptr<lmdb::Env> env_;
  lmdb::Dbi log_{}, meta_{};
  std::shared_ptr<const ValueVault> vault_;
  lmdb::ReadTxn txn_;
  Result<Bounds> bounds_;  // of the snapshot held; the error when it could not be had
};

// Of its last transaction; the beginning of time when it holds none. Errors: internal (corrupt).
[[nodiscard]] Result<Wall> time_of_last(const Journal& journal);

}  // namespace prismbus
