#include "broker/store/backup_run.hpp"

#include <sys/statvfs.h>

#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/record_bytes.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"
#include "broker/store/write_failure.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kBufferBytes = 1u << 20;  // gathered before it is written

struct StateTable {
  BackupTable table;
  lmdb::Dbi State::Tables::*dbi;
};
constexpr std::array<StateTable, 7> kStateTables{{{BackupTable::state_meta, &State::Tables::meta},
                                                  {BackupTable::head, &State::Tables::head},
                                                  {BackupTable::deleted, &State::Tables::deleted},
                                                  {BackupTable::history, &State::Tables::history},
                                                  {BackupTable::changesets, &State::Tables::changesets},
                                                  {BackupTable::namespaces, &State::Tables::namespaces},
                                                  {BackupTable::sessions, &State::Tables::sessions}}};

Error damaged(BackupTable table, std::string_view key) {
  Error error = damaged_record(name_of(table), key);
  error.message += ": nothing was backed up; prismbusd check tells what is wrong";
  return error;
}

Result<std::string> meta_record(MDB_txn* txn, lmdb::Dbi table, const char* env) {
  const auto record = lmdb::get(txn, table, kMetaKey);
  if (!record) return unexpected<Error>(read_error(env, record.error()));
  if (!*record) return fail(ErrorCode::internal, std::string(env) + " has no meta record");
  return std::string(**record);
}

}  // namespace

struct BackupRun::Impl {
  Impl(const Journal& of, const State& state, const BackupSettings& chosen, BackupFile opened)
      : settings(chosen),
        file(std::move(opened)),
        state_txn(state.env()),
        tables(state.tables()),
        journal_env(of.env()),
        journal_txn(of.env()),
        log(of.log_dbi()),
        journal_meta(of.meta_dbi()) {}

  Result<void> begin(Wall now) {
    if (const auto begun = state_txn.renew(); !begun)
      return unexpected<Error>(read_error("state", begun.error()));
    if (const auto begun = journal_txn.renew(); !begun)
      return unexpected<Error>(read_error("journal", begun.error()));
    const auto state_record = meta_record(state_txn.get(), tables->meta, "the state");
    if (!state_record) return unexpected<Error>(state_record.error());
    auto journal_record = meta_record(journal_txn.get(), journal_meta, "the journal");
    if (!journal_record) return unexpected<Error>(journal_record.error());
    const auto state = decode_state_meta(*state_record);
    if (!state) return unexpected<Error>(state.error());
    const auto journal = decode_journal_meta(*journal_record);
    if (!journal) return unexpected<Error>(journal.error());
    if (journal->floor > state->folded) return trimmed(journal->floor);
    journal_bytes = std::move(*journal_record);
    next = journal->floor.next();
    last = journal->last;
    chain = journal->hash_at_floor;
    journal_txn.release();
    append_backup_header(buffer, {journal->format, journal->epoch, state->folded, state->floor,
                                  journal->floor, journal->last, now});
    return {};
  }

  // One view of the whole state: its cursor stays where it is between the pieces.
  Result<void> stream_state(std::uint64_t until) {
    while (at_table < kStateTables.size()) {
      const StateTable& source = kStateTables[at_table];
      if (!cursor) {
        auto opened = lmdb::Cursor::open(state_txn.get(), (*tables).*source.dbi);
        if (!opened) return unexpected<Error>(read_error("state", opened.error()));
        cursor.emplace(std::move(*opened));
        at = cursor->seek({});
      }
      for (; at && *at; at = cursor->next()) {
        if (streamed() >= until) return {};
        if (const auto put = copy(source.table, (*at)->key, (*at)->value); !put) return put;
      }
      if (!at) return unexpected<Error>(read_error("state", at.error()));
      cursor.reset();
      ++at_table;
    }
    state_txn.release();
    return copy(BackupTable::journal_meta, kMetaKey, journal_bytes);
  }

  Result<void> stream_journal(std::uint64_t until) {
    if (const auto begun = journal_txn.renew(); !begun)
      return unexpected<Error>(read_error("journal", begun.error()));
    const auto streamed_piece = stream_records(until);
    journal_txn.release();
    return streamed_piece;
  }

  Result<void> stream_records(std::uint64_t until) {
    auto records = lmdb::Cursor::open(journal_txn.get(), log);
    if (!records) return unexpected<Error>(read_error("journal", records.error()));
    DiskKey key;
    auto record = records->seek(key.log(next));
    for (; next <= last && streamed() < until; next = next.next(), record = records->next()) {
      if (!record) return unexpected<Error>(read_error("journal", record.error()));
      if (!*record || decode_log_key((*record)->key) != next) return trimmed(next);
      const auto decoded = decode_journal_record((*record)->value, next);
      if (!decoded) return unexpected<Error>(damaged(BackupTable::log, (*record)->key));
      if (decoded->previous != chain) return unexpected<Error>(broken_chain());
      chain = chain_hash((*record)->value);
      if (const auto put = copy(BackupTable::log, (*record)->key, (*record)->value); !put) return put;
    }
    return {};
  }

  Result<void> copy(BackupTable table, std::string_view key, std::string_view value) {
    if (!open_record(key, value)) return unexpected<Error>(damaged(table, key));
    append_backup_record(buffer, table, key, value);
    ++counts[static_cast<std::size_t>(table) - 1];
    return buffer.size() >= kBufferBytes ? flush() : Result<void>();
  }

  Result<void> flush() {
    if (const auto room = check_room(); !room) return room;
    const auto written = file.append(buffer);
    buffer.clear();
    return written;
  }

  Result<void> check_room() const {
    struct statvfs fs {};
    if (::statvfs(settings.dir.c_str(), &fs) != 0) return {};  // the write itself will tell
    if (std::uint64_t{fs.f_bavail} * fs.f_frsize >= settings.keep_free + buffer.size()) return {};
    return fail(ErrorCode::read_only, "the backup would leave less than " +
                                          std::to_string(settings.keep_free) + " bytes free in " +
                                          settings.dir + " (--free-space-floor): it was given up");
  }

  Result<BackupDone> finish() {
    append_backup_end(buffer, counts);
    if (const auto written = flush(); !written) return unexpected<Error>(written.error());
    if (const auto written = file.append(file.hash().digest()); !written)
      return unexpected<Error>(written.error());
    if (const auto done = file.publish(); !done) return unexpected<Error>(done.error());
    return BackupDone{file.path(), file.bytes(), hex_text(file.hash().digest())};
  }

  [[nodiscard]] std::uint64_t streamed() const { return file.bytes() + buffer.size(); }
  [[nodiscard]] bool state_is_done() const { return state_txn.get() == nullptr; }
  Error broken_chain() const {
    return error_of(ErrorCode::internal, "journal record " + std::to_string(next.value()) +
                                             ": does not follow the record before it: nothing was backed up");
  }
  static unexpected<Error> trimmed(Revision rev) {
    Error error = error_of(ErrorCode::compacted, "the journal was trimmed while it was backed up");
    error.floor = rev.value();
    return unexpected<Error>(std::move(error));
  }

  const BackupSettings settings;
  BackupFile file;
  std::string buffer;
  BackupCounts counts{};
  // The state's view; its cursor is closed before it.
  lmdb::ReadTxn state_txn;
  const std::shared_ptr<const State::Tables> tables;
  std::optional<lmdb::Cursor> cursor;
  lmdb::Outcome<std::optional<lmdb::Cursor::Pair>> at;
  std::size_t at_table = 0;

  const std::shared_ptr<lmdb::Env> journal_env;
  lmdb::ReadTxn journal_txn;
  const lmdb::Dbi log, journal_meta;
  std::string journal_bytes;
  Revision next, last;  // of the journal's records: the next one to copy, and the end
  Hash128 chain;
};

Result<std::unique_ptr<BackupRun>> BackupRun::begin(const Journal& journal, const State& state,
                                                    const BackupSettings& settings, const std::string& name,
                                                    Wall now) {
  if (const auto valid = validate_backup_name(name, "name"); !valid) return unexpected<Error>(valid.error());
  auto file = BackupFile::create(settings.dir, name);
  if (!file) return unexpected<Error>(file.error());
  auto impl = std::make_unique<Impl>(journal, state, settings, std::move(*file));
  if (const auto begun = impl->begin(now); !begun) return unexpected<Error>(begun.error());
  return std::unique_ptr<BackupRun>(new BackupRun(std::move(impl)));
}

BackupRun::BackupRun(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BackupRun::~BackupRun() = default;

Result<std::optional<BackupDone>> BackupRun::step() {
  const std::uint64_t until = impl_->streamed() + impl_->settings.piece_bytes;
  const auto streamed = impl_->state_is_done() ? impl_->stream_journal(until) : impl_->stream_state(until);
  if (!streamed) return unexpected<Error>(streamed.error());
  if (!impl_->state_is_done() || impl_->next <= impl_->last) return std::optional<BackupDone>();
  auto done = impl_->finish();
  if (!done) return unexpected<Error>(done.error());
  return std::optional<BackupDone>(std::move(*done));
}

}  // namespace prismbus
