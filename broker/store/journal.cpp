// The journal's writing side, and its replay at start. One LMDB transaction a batch; the meta record goes
// with it.
#include "broker/store/journal.hpp"

#include <cerrno>

#include "broker/store/directory.hpp"
#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/write_failure.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr const char* kLogTable = "log";
constexpr const char* kMetaTable = "meta";

#ifdef PRISMBUS_NOSYNC_CANARY
constexpr bool kNoSync = true;  // a broken build on purpose: the durability test must fail with it
#else
constexpr bool kNoSync = false;
#endif

lmdb::Outcome<void> write_first_meta(lmdb::WriteTxn& txn, const JournalMeta& meta) {
  const auto log = lmdb::open_dbi(txn.get(), kLogTable, true);
  if (!log) return unexpected<lmdb::Fault>(log.error());
  const auto table = lmdb::open_dbi(txn.get(), kMetaTable, true);
  if (!table) return unexpected<lmdb::Fault>(table.error());
  std::string record;
  encode_journal_meta(record, meta);
  return txn.put(*table, kMetaKey, record);
}

// Table handles stay valid once the transaction that opened them has committed.
struct Handles {
  lmdb::Dbi log, meta;
};
lmdb::Outcome<Handles> open_tables(const std::shared_ptr<lmdb::Env>& env) {
  auto txn = lmdb::WriteTxn::begin(env);
  if (!txn) return unexpected<lmdb::Fault>(txn.error());
  const auto log = lmdb::open_dbi(txn->get(), kLogTable, false);
  if (!log) return unexpected<lmdb::Fault>(log.error());
  const auto meta = lmdb::open_dbi(txn->get(), kMetaTable, false);
  if (!meta) return unexpected<lmdb::Fault>(meta.error());
  if (const auto done = txn->commit(); !done) return unexpected<lmdb::Fault>(done.error());
  return Handles{*log, *meta};
}

// The hash that the record after `rev` has to carry.
Result<Hash128> hash_at(MDB_txn* txn, lmdb::Dbi log, const JournalMeta& meta, Revision rev) {
  if (rev == meta.floor) return meta.hash_at_floor;
  DiskKey key;
  const auto record = lmdb::get(txn, log, key.log(rev));
  if (!record) return unexpected<Error>(read_error("journal", record.error()));
  if (!*record)
    return fail(ErrorCode::internal, "journal record " + std::to_string(rev.value()) + " is not there");
  if (const auto sound = decode_journal_record(**record, rev); !sound)
    return unexpected<Error>(sound.error());
  return chain_hash(**record);
}

}  // namespace

Result<Journal> Journal::open(const std::string& dir, std::size_t map_bytes, Epoch epoch_if_new,
                              lmdb::DiskFaults* faults) {
  lmdb::Env::Options options;
  options.map_bytes = map_bytes;
  options.faults = faults;
  options.unsafe_no_sync = kNoSync;
  JournalMeta first;
  first.epoch = epoch_if_new;
  auto opened = open_or_create_env(dir, "journal", options,
                                   [&first](lmdb::WriteTxn& txn) { return write_first_meta(txn, first); });
  if (!opened) return unexpected<Error>(opened.error());
  Journal journal;
  journal.env_ = std::move(opened->env);
  const auto tables = open_tables(journal.env_);
  if (!tables) return unexpected<Error>(open_error("journal", tables.error()));
  journal.log_ = tables->log;
  journal.meta_dbi_ = tables->meta;

  lmdb::ReadTxn txn(journal.env_);
  if (const auto begun = txn.renew(); !begun) return unexpected<Error>(open_error("journal", begun.error()));
  const auto record = lmdb::get(txn.get(), journal.meta_dbi_, kMetaKey);
  if (!record) return unexpected<Error>(read_error("journal", record.error()));
  if (!*record) return fail(ErrorCode::internal, "the journal has no meta record");
  auto meta = decode_journal_meta(**record);
  if (!meta) return unexpected<Error>(meta.error());
  journal.meta_ = *meta;
  auto chain = hash_at(txn.get(), journal.log_, journal.meta_, journal.meta_.last);
  if (!chain) return unexpected<Error>(chain.error());
  journal.chain_ = *chain;
  return journal;
}

lmdb::Outcome<void> Journal::write(std::span<const TransactionPtr> batch, JournalMeta& meta, Hash128& chain) {
  auto txn = lmdb::WriteTxn::begin(env_);
  if (!txn) return unexpected<lmdb::Fault>(txn.error());
  DiskKey key;
  appended_bytes_ = 0;
  for (const TransactionPtr& transaction : batch) {
    PRISMBUS_ASSERT(transaction->rev == meta.last.next(), "I1: the journal continues densely");
    encode_journal_record(scratch_, *transaction, chain);
    if (auto put = txn->put(log_, key.log(transaction->rev), scratch_, MDB_APPEND); !put) return put;
    appended_bytes_ += scratch_.size();
    chain = chain_hash(scratch_);
    meta.last = transaction->rev;
    for (const auto& set : transaction->sets) {
      if (set->sealed_by != 0) meta.sealed_by = set->sealed_by;
    }
  }
  encode_journal_meta(scratch_, meta);
  if (auto put = txn->put(meta_dbi_, kMetaKey, scratch_); !put) return put;
  return txn->commit();
}

Result<void, AppendFailure> Journal::append(std::span<const TransactionPtr> batch) {
  JournalMeta meta = meta_;
  Hash128 chain = chain_;
  if (const auto written = write(batch, meta, chain); !written) {
    last_fault_ = written.error();
    return unexpected<AppendFailure>(append_failure(*env_, last_fault_));
  }
  meta_ = meta;
  chain_ = chain;
  return {};
}

Result<void, AppendFailure> Journal::probe() {
  return append({});
}

lmdb::Outcome<void> Journal::remove(Revision to, TrimStep step, JournalMeta& meta) {
  auto txn = lmdb::WriteTxn::begin(env_);
  if (!txn) return unexpected<lmdb::Fault>(txn.error());
  DiskKey key;
  std::size_t bytes = 0;
  for (std::size_t records = 0; meta.floor < to && records < step.records && bytes < step.bytes; ++records) {
    const Revision rev = meta.floor.next();
    const auto record = lmdb::get(txn->get(), log_, key.log(rev));
    if (!record) return unexpected<lmdb::Fault>(record.error());
    if (!*record) return unexpected<lmdb::Fault>(lmdb::Fault{MDB_CORRUPTED, "a journal record is not there"});
    bytes += (*record)->size();
    const bool is_last = rev == to || records + 1 == step.records || bytes >= step.bytes;
    if (is_last) meta.hash_at_floor = chain_hash(**record);
    if (auto done = txn->erase(log_, key.log(rev)); !done) return done;
    meta.floor = rev;
  }
  encode_journal_meta(scratch_, meta);
  if (auto put = txn->put(meta_dbi_, kMetaKey, scratch_); !put) return put;
  return txn->commit();
}

Result<void, AppendFailure> Journal::trim(Revision to, TrimStep step) {
  PRISMBUS_ASSERT(to > meta_.floor && to < meta_.last, "the journal keeps its last record");
  JournalMeta meta = meta_;
  if (const auto removed = remove(to, step, meta); !removed) {
    last_fault_ = removed.error();
    return unexpected<AppendFailure>(append_failure(*env_, last_fault_));
  }
  meta_ = meta;
  return {};
}

Result<void> Journal::replay(Revision after, const std::function<void(TransactionPtr)>& each) const {
  if (after < meta_.floor || after > meta_.last) {
    return fail(ErrorCode::internal,
                "the journal cannot be replayed after revision " + std::to_string(after.value()));
  }
  lmdb::ReadTxn txn(env_);
  if (const auto begun = txn.renew(); !begun) return unexpected<Error>(read_error("journal", begun.error()));
  auto chain = hash_at(txn.get(), log_, meta_, after);
  if (!chain) return unexpected<Error>(chain.error());
  auto cursor = lmdb::Cursor::open(txn.get(), log_);
  if (!cursor) return unexpected<Error>(read_error("journal", cursor.error()));
  DiskKey key;
  auto at = cursor->seek(key.log(after.next()));
  for (Revision rev = after.next(); rev <= meta_.last; rev = rev.next(), at = cursor->next()) {
    if (!at) return unexpected<Error>(read_error("journal", at.error()));
    const auto damaged = [rev](const char* what) {
      return fail(ErrorCode::internal, "journal record " + std::to_string(rev.value()) + what);
    };
    if (!*at || decode_log_key((*at)->key) != rev) return damaged(" is not there");
    auto record = decode_journal_record((*at)->value, rev);
    if (!record) return unexpected<Error>(record.error());
    if (record->previous != *chain) return damaged(" does not follow the record before it");
    *chain = chain_hash((*at)->value);
    each(std::move(record->txn));
  }
  return {};
}

}  // namespace prismbus
