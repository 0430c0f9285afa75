// audit(): takes the state's snapshot, then the journal's, and walks both.
#include "broker/store/audit.hpp"

#include <cstring>
#include <filesystem>
#include <vector>

#include "broker/store/directory.hpp"
#include "broker/store/write_failure.hpp"

namespace prismbus {
namespace {

// Room for what a running broker adds between opening and the snapshot.
constexpr std::size_t kMapSpareBytes = std::size_t{256} << 20;
constexpr int kSnapshotTries = 10;

bool trimmed_above(MDB_txn* journal_txn, lmdb::Dbi journal_meta, MDB_txn* state_txn,
                   const State::Tables& tables) {
  const auto state_record = lmdb::get(state_txn, tables.meta, kMetaKey);
  const auto journal_record = lmdb::get(journal_txn, journal_meta, kMetaKey);
  if (!state_record || !*state_record || !journal_record || !*journal_record) return false;
  const auto state = decode_state_meta(**state_record);
  const auto journal = decode_journal_meta(**journal_record);
  return state && journal && journal->floor > state->folded;
}

// LMDB's own list of pages that may be written again: each record a count and as many page numbers, falling.
// A wrong number there ends the next writer, or has it write over what is in use.
void check_free_pages(audits::Context& me, const char* name, const lmdb::Env& env, MDB_txn* txn) {
  constexpr lmdb::Dbi kFreePages = 0;
  constexpr std::size_t kMetaPages = 2;
  MDB_envinfo info{};
  if (mdb_env_info(env.get(), &info) != 0) return;
  auto cursor = lmdb::Cursor::open(txn, kFreePages);
  if (!cursor) return me.fault(name, cursor.error());
  auto at = cursor->seek({});
  for (; at && *at; at = cursor->next()) {
    std::vector<std::size_t> pages((*at)->value.size() / sizeof(std::size_t));
    std::memcpy(pages.data(), (*at)->value.data(), pages.size() * sizeof(std::size_t));
    bool sound = (*at)->key.size() == sizeof(std::size_t) && !pages.empty() && pages[0] < pages.size();
    for (std::size_t i = 1; sound && i <= pages[0]; ++i) {
      sound = pages[i] >= kMetaPages && pages[i] <= info.me_last_pgno && (i == 1 || pages[i] < pages[i - 1]);
    }
    if (!sound) me.finding("{}: LMDB's list of free pages is damaged; restore a backup", name);
  }
  if (!at) me.fault(name, at.error());
}

Result<AuditReport> walk(const std::shared_ptr<lmdb::Env>& journal_env, lmdb::Dbi log, lmdb::Dbi journal_meta,
                         const std::shared_ptr<lmdb::Env>& state_env, const State::Tables& tables) {
  lmdb::ReadTxn state_txn(state_env), journal_txn(journal_env);
  for (int tries = 0;; ++tries) {
    if (const auto begun = state_txn.renew(); !begun)
      return unexpected<Error>(open_error("state", begun.error()));
    if (const auto begun = journal_txn.renew(); !begun)
      return unexpected<Error>(open_error("journal", begun.error()));
    // A running broker may fold and trim between the two: then the journal no longer holds what follows on
    // the state, and both are taken again.
    if (tries == kSnapshotTries || !trimmed_above(journal_txn.get(), journal_meta, state_txn.get(), tables))
      break;
  }

  audits::Context context;
  context.journal_txn = journal_txn.get();
  context.log = log;
  context.state_txn = state_txn.get();
  context.tables = tables;
  const auto state_record = lmdb::get(state_txn.get(), tables.meta, kMetaKey);
  const auto journal_record = lmdb::get(journal_txn.get(), journal_meta, kMetaKey);
  if (!state_record || !*state_record || !journal_record || !*journal_record) {
    context.finding("a meta record is not there");
    return context.report;
  }
  const auto state = decode_state_meta(**state_record);
  const auto journal = decode_journal_meta(**journal_record);
  if (!state) context.finding("{}", state.error().message);
  if (!journal) context.finding("{}", journal.error().message);
  if (!state || !journal) return context.report;

  context.state = *state;
  context.journal = *journal;
  context.report.last = journal->last;
  context.report.folded = state->folded;
  context.report.journal_floor = journal->floor;
  context.report.state_floor = state->floor;
  context.report.sealed_by = journal->sealed_by;
  if (state->epoch != journal->epoch) context.finding("state and journal belong to different histories");
  if (state->folded > journal->last || state->folded < journal->floor) {
    context.finding("the folded revision {} is not within the journal ({}..{}]", state->folded.value(),
                    journal->floor.value(), journal->last.value());
    return context.report;
  }
  check_free_pages(context, "journal", *journal_env, journal_txn.get());
  check_free_pages(context, "state", *state_env, state_txn.get());
  audits::walk_journal(context);
  audits::walk_entries(context);
  audits::walk_sessions(context);
  return std::move(context.report);
}

Result<std::shared_ptr<lmdb::Env>> open_read_only(const std::string& path) {
  if (!directory_exists(path)) return fail(ErrorCode::unavailable, path + " is not there");
  lmdb::Env::Options options;
  std::error_code failed;
  const auto size = std::filesystem::file_size(path + "/data.mdb", failed);
  if (failed) return fail(ErrorCode::unavailable, path + "/data.mdb: " + failed.message());
  // As little address space as will do: an audit also runs where there is not much (valgrind, a small
  // container).
  options.map_bytes = static_cast<std::size_t>(size) + kMapSpareBytes;
  options.read_only = true;
  auto env = lmdb::Env::open(path, options);
  if (!env) return unexpected<Error>(open_error(path, env.error()));
  return std::move(*env);
}

// Handles opened in a read transaction belong to it until it is committed; a commit of nothing writes
// nothing.
template <class Open>
auto with_read_txn(const std::shared_ptr<lmdb::Env>& env, Open open)
    -> decltype(open(std::declval<MDB_txn*>())) {
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env->get(), nullptr, MDB_RDONLY, &txn); rc != 0) {
    return unexpected<lmdb::Fault>(lmdb::Fault{rc, "mdb_txn_begin"});
  }
  auto opened = open(txn);
  if (const int rc = mdb_txn_commit(txn); rc != 0)
    return unexpected<lmdb::Fault>(lmdb::Fault{rc, "mdb_txn_commit"});
  return opened;
}

}  // namespace

Result<AuditReport> audit(const std::string& dir) {
  auto state_env = open_read_only(dir + "/state");
  if (!state_env) return unexpected<Error>(state_env.error());
  auto journal_env = open_read_only(dir + "/journal");
  if (!journal_env) return unexpected<Error>(journal_env.error());
  const auto tables = with_read_txn(*state_env, [](MDB_txn* txn) { return State::Tables::open(txn, false); });
  if (!tables) return unexpected<Error>(open_error("state", tables.error()));
  const auto log =
      with_read_txn(*journal_env, [](MDB_txn* txn) { return lmdb::open_dbi(txn, "log", false); });
  if (!log) return unexpected<Error>(open_error("journal", log.error()));
  const auto meta =
      with_read_txn(*journal_env, [](MDB_txn* txn) { return lmdb::open_dbi(txn, "meta", false); });
  if (!meta) return unexpected<Error>(open_error("journal", meta.error()));
  return walk(*journal_env, *log, *meta, *state_env, *tables);
}

Result<AuditReport> audit(const Journal& journal, const State& state) {
  return walk(journal.env(), journal.log_dbi(), journal.meta_dbi(), state.env(), *state.tables());
}

}  // namespace prismbus
