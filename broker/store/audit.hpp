// The parts of an audit. Findings are lines; the walk goes on after each, up to a bound. Memory does not grow
// with the data but with the unfolded tail, the namespaces and the sessions.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"
#include "broker/store/store.hpp"

namespace prismbus::audits {

inline constexpr std::size_t kFindingsMax = 1000;

// Both snapshots and what the walks share. The state's snapshot is the older one: all it has folded the
// journal has.
struct Context {
  MDB_txn* journal_txn = nullptr;
  lmdb::Dbi log{};
  JournalMeta journal;
  MDB_txn* state_txn = nullptr;
  State::Tables tables;
  StateMeta state;
  AuditReport report;
  std::map<std::string, RecentHead, std::less<>> heads;  // by the journal, at the folded revision
  std::map<std::string, std::uint64_t, std::less<>>
      change_sets;                   // how many the journal has, above the floor and folded, by namespace
  std::uint64_t folded_changes = 0;  // the same of changes

  // What is above it the state and the journal both hold, once folded.
  [[nodiscard]] Revision floor() const { return std::max(journal.floor, state.floor); }

  template <class... Args>
  void finding(fmt::format_string<Args...> form, Args&&... args) {
    if (report.findings.size() < kFindingsMax)
      report.findings.push_back(fmt::format(form, std::forward<Args>(args)...));
  }
  void fault(const char* where, const lmdb::Fault& fault) { finding("{}: {}", where, lmdb::describe(fault)); }
};

// A sound history row, or nullopt.
[[nodiscard]] std::optional<HistoryRecord> history_row(Context& context, Revision rev, std::string_view ns,
                                                       std::string_view key);

// Every journal record: checksum, chain, density, time, seqs, figures, and against changesets and history in
// the state.
void walk_journal(Context& context);
// Every key's newest version against history, the chain of its versions, and every namespace against its
// heads.
void walk_entries(Context& context);
// Sessions against the journal records they name.
void walk_sessions(Context& context);

}  // namespace prismbus::audits
