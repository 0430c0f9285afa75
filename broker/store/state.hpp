// The state: derived from the journal, for fast reads. LMDB environment state/ (see disk_keys.hpp for its
// tables), default sync. Written by the fold thread only (I4); every reading thread holds a StateReader of
// its own.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/store/disk_keys.hpp"
#include "broker/store/recent.hpp"
#include "broker/store/transaction.hpp"
#include "proto/base/lmdb.hpp"
#include "proto/seal/value_seal.hpp"

namespace prismbus {

struct StateMeta {
  std::uint64_t format = 1;
  Epoch epoch;
  Revision folded;
  Revision floor;  // as-of reads at or above it are exact; of what is older only the last versions are kept
};

enum class FoldFailure : std::uint8_t { no_space, map_full, io, unknown };

// What a session of request ids left behind: its highest applied n, when, and the revisions of the outcomes
// that are still remembered (n > highest - 1,024), ascending in n. The outcome itself is in the journal
// record of that revision.
struct SessionState {
  std::uint64_t highest = 0;
  Wall last_write{};
  std::vector<std::pair<std::uint64_t, Revision>> outcomes;
};

class State {
 public:
  // Errors as Journal::open. A state of another epoch than `epoch` is other_history.
  [[nodiscard]] static Result<State> open(const std::string& dir, std::size_t map_bytes, Epoch epoch,
                                          lmdb::DiskFaults* faults);
  [[nodiscard]] const StateMeta& meta() const { return meta_; }  // fold thread

  // One transaction: heads, history, changesets, namespaces, sessions, folded revision. Continues densely
  // from meta().folded. Blocks for the disk. Sessions whose last write is older than `sessions_before` are
  // removed, a bounded number a call.
  [[nodiscard]] Result<void, FoldFailure> fold(std::span<const TransactionPtr> batch, Wall sessions_before);

  // How much one transaction of advance_floor looks at and drops, in rows of history and in bytes of them; it
  // takes one revision at least. Bounds the pages it dirties and frees.
  struct FloorStep {
    std::size_t rows = 60'000;
    std::size_t bytes = std::size_t{64} << 20;
  };
  // One transaction that moves the floor towards `to`, in (floor, folded], and drops what no as-of read at or
  // above the new floor needs (advance_floor.cpp). Blocks for the disk.
  [[nodiscard]] Result<void, FoldFailure> advance_floor(Revision to, FloorStep step);

  [[nodiscard]] const lmdb::Fault& last_fault() const {
    return last_fault_;
  }  // of the last failure, for the log

  // What opens secret values for StateReaders that are made from then on; before any thread is.
  void use(std::shared_ptr<const ValueVault> vault) { vault_ = std::move(vault); }
  [[nodiscard]] const std::shared_ptr<const ValueVault>& vault() const { return vault_; }

  struct Tables;  // the dbi handles; private to the store
  [[nodiscard]] const std::shared_ptr<lmdb::Env>& env() const { return env_; }
  [[nodiscard]] const std::shared_ptr<const Tables>& tables() const { return tables_; }

 private:
  State() = default;
  [[nodiscard]] lmdb::Outcome<void> write(std::span<const TransactionPtr> batch, Wall sessions_before,
                                          StateMeta& meta);
  [[nodiscard]] lmdb::Outcome<void> write_floor(Revision to, FloorStep step, StateMeta& meta);
  [[nodiscard]] lmdb::Outcome<void> forget_sessions(lmdb::WriteTxn& txn, Wall before);
  std::shared_ptr<lmdb::Env> env_;
  std::shared_ptr<const Tables> tables_;
  StateMeta meta_;
  std::string sessions_checked_;  // disk key of the header from which the next fold looks for old sessions
  lmdb::Fault last_fault_;
  std::shared_ptr<const ValueVault> vault_;
};

// Point reads on one thread, in a read transaction kept open and renewed. Views lend from the map until
// renew/release. A record whose checksum fails is `internal` and named in the message.
class StateReader {
 public:
  explicit StateReader(const State& state);
  [[nodiscard]] static StateReader renewed(const State& state);  // holds a snapshot from the start on
  void renew();
  void release();
  [[nodiscard]] Revision folded() const { return folded_; }  // of the snapshot held, else of the last one
  [[nodiscard]] Revision floor() const { return floor_; }    // the same; history at or below it may be gone
  // Its value as it is on disk: of a secret namespace still to be opened.
  [[nodiscard]] Result<std::optional<EntryView>> find(std::string_view ns, std::string_view key);
  // Null: no secret value can be opened.
  [[nodiscard]] const ValueVault* vault() const { return vault_.get(); }
  [[nodiscard]] Result<std::optional<RecentHead>> find_head(std::string_view ns);
  // The revision that carried (ns, seq); nullopt when it was trimmed or is not folded.
  [[nodiscard]] Result<std::optional<Revision>> find_change_set(std::string_view ns, Seq seq);
  [[nodiscard]] Result<std::optional<SessionState>> find_session(std::string_view by,
                                                                 std::string_view session);
  struct SessionHeader {
    std::string by, session;
    std::uint64_t highest = 0;
    Wall last_write{};
  };
  // Those last written at `since` or later, without their outcomes; older ones stay on the disk for a while.
  // For start-up.
  [[nodiscard]] Result<std::vector<SessionHeader>> session_headers(Wall since);

  // For views of the store: the snapshot held (renewed if there is none), the tables, and a row of one, lent
  // from the snapshot. nullopt: there is none, and its neighbours prove it.
  [[nodiscard]] Result<MDB_txn*> snapshot();
  [[nodiscard]] Result<std::optional<std::string_view>> find_row(lmdb::Dbi table, std::string_view disk_key);
  [[nodiscard]] const State::Tables& tables() const { return *tables_; }

 private:
  std::shared_ptr<lmdb::Env> env_;
  std::shared_ptr<const State::Tables> tables_;
  std::shared_ptr<const ValueVault> vault_;
  lmdb::ReadTxn txn_;
  Revision folded_, floor_;
  Result<void> ready_;  // the error when the snapshot could not be had
  DiskKey key_;         // under construction
};

}  // namespace prismbus
