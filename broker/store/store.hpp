// Opening a data directory: lock it, open both environments, check that they belong together, load the
// unfolded tail. Start-up does not grow with the data (only with the tail, which is bounded by recent's
// limits).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/store/directory.hpp"
#include "broker/store/journal.hpp"
#include "broker/store/state.hpp"

namespace prismbus {

struct StoreSettings {
  std::string dir;
  std::size_t map_bytes = std::size_t{64} << 30;  // reserved address space per environment, not disk
  lmdb::DiskFaults* journal_faults = nullptr;     // tests
  lmdb::DiskFaults* state_faults = nullptr;
  std::shared_ptr<const ValueVault> vault{};  // of secret values; null: security is off
};

struct Store {
  DirectoryLock lock;  // held as long as the store is
  Journal journal;
  State state;
  std::vector<TransactionPtr> tail;  // folded + 1 .. last, in order

  // Creates the directory (mode 0700) when it is not there. A crash between creating the two environments is
  // repaired: a state that is not there is made from the journal while nothing of that was trimmed. Errors:
  // unavailable (locked by another process, not openable), unsupported (newer format), other_history (the two
  // do not belong together), internal (corrupt; names the record), invalid_argument (there are secret values
  // and no vault, or another master's).
  [[nodiscard]] static Result<Store> open(const StoreSettings& settings);
};

// Makes an empty state from a journal of which nothing was trimmed. Errors: unavailable (the state cannot be
// written), internal (a damaged record, named).
[[nodiscard]] Result<void> refold(const Journal& journal, State& state);

// Walks everything on disk of a stopped or running store: checksums, chain, order, heads against history and
// namespaces against heads, counters, hashes, changesets, sessions. Returns each finding as one line; empty =
// sound.
struct AuditReport {
  std::uint64_t records = 0, entries = 0, namespaces = 0, sessions = 0;
  Revision last, folded;
  Revision journal_floor, state_floor;  // the greater is the floor in force
  std::uint64_t sealed_by = 0;          // of JournalMeta: whose secret values are there
  std::vector<std::string> findings;
};
// Of a directory that no environment of this process has open (LMDB cannot be opened twice by one process); a
// broker may be running on it. Errors: only when it cannot be read at all; damage is a finding.
[[nodiscard]] Result<AuditReport> audit(const std::string& dir);
// Of a store this process has open, from any thread, while its writers run.
[[nodiscard]] Result<AuditReport> audit(const Journal& journal, const State& state);

}  // namespace prismbus
