#include "broker/store/restored_tables.hpp"

#include <optional>

#include "broker/store/directory.hpp"
#include "broker/store/disk_keys.hpp"
#include "broker/store/journal_record.hpp"
#include "broker/store/new_epoch.hpp"
#include "broker/store/record_bytes.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"
#include "broker/store/write_failure.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kBatchBytes = 32u << 20;  // an LMDB transaction holds at most 131 k dirty pages ...
constexpr std::size_t kBatchRecords = 60'000;   // ... and small records dirty few
// A record in LMDB takes at most about four times what it takes in the backup: values just over half a page
// get a page of their own.
constexpr std::size_t kMapPerBackupByte = 4, kMapLeast = std::size_t{64} << 20;

}  // namespace

struct RestoredTables::Impl {
  Impl(Epoch of, Journal made_journal, State made_state)
      : epoch(of), journal(std::move(made_journal)), state(std::move(made_state)) {}

  [[nodiscard]] lmdb::Dbi table_of(BackupTable table) const {
    const State::Tables& tables = *state.tables();
    switch (table) {
      case BackupTable::state_meta:
        return tables.meta;
      case BackupTable::head:
        return tables.head;
      case BackupTable::deleted:
        return tables.deleted;
      case BackupTable::history:
        return tables.history;
      case BackupTable::changesets:
        return tables.changesets;
      case BackupTable::namespaces:
        return tables.namespaces;
      case BackupTable::sessions:
        return tables.sessions;
      case BackupTable::journal_meta:
        return journal.meta_dbi();
      case BackupTable::log:
        break;
    }
    return journal.log_dbi();
  }

  // As it stood, or with the new epoch in it.
  Result<std::string_view> value_of(const BackupRecord& record) {
    if (record.table == BackupTable::state_meta) {
      auto meta = decode_state_meta(record.value);
      if (!meta) return unexpected<Error>(meta.error());
      meta->epoch = epoch;
      encode_state_meta(value, *meta);
    } else if (record.table == BackupTable::journal_meta) {
      auto meta = decode_journal_meta(record.value);
      if (!meta) return unexpected<Error>(meta.error());
      meta->epoch = epoch;
      chain = meta->hash_at_floor;
      encode_journal_meta(value, *meta);
    } else if (record.table == BackupTable::log) {
      const auto decoded = decode_journal_record(record.value, *decode_log_key(record.key));
      if (!decoded) return unexpected<Error>(decoded.error());
      const auto moved = with_epoch(*decoded->txn, epoch);
      if (!moved) return unexpected<Error>(moved.error());
      encode_journal_record(value, **moved, chain);
      chain = chain_hash(value);
    } else {
      return record.value;
    }
    return std::string_view(value);
  }

  Result<void> put(const BackupRecord& record) {
    const bool of_journal = record.table >= BackupTable::journal_meta;
    if (of_journal != in_journal || bytes >= kBatchBytes || records >= kBatchRecords) {
      if (const auto done = commit(); !done) return done;
      in_journal = of_journal;
    }
    if (!txn) {
      auto begun = lmdb::WriteTxn::begin(of_journal ? journal.env() : state.env());
      if (!begun) return unexpected<Error>(open_error(name_of_env(), begun.error()));
      txn.emplace(std::move(*begun));
    }
    const auto bytes_to_put = value_of(record);
    if (!bytes_to_put) return unexpected<Error>(bytes_to_put.error());
    // The meta record of the fresh environment stands there already; all else comes in order.
    const bool is_meta = record.table == BackupTable::state_meta || record.table == BackupTable::journal_meta;
    const auto done = txn->put(table_of(record.table), record.key, *bytes_to_put, is_meta ? 0 : MDB_APPEND);
    if (!done) return unexpected<Error>(open_error(name_of_env(), done.error()));
    bytes += bytes_to_put->size();
    ++records;
    return {};
  }

  Result<void> commit() {
    bytes = records = 0;
    if (!txn) return {};
    const auto done = txn->commit();
    txn.reset();
    if (!done) return unexpected<Error>(open_error(name_of_env(), done.error()));
    return {};
  }

  [[nodiscard]] const char* name_of_env() const {
    return in_journal ? "writing the journal" : "writing the state";
  }

  const Epoch epoch;
  Journal journal;
  State state;
  std::optional<lmdb::WriteTxn> txn;
  bool in_journal = false;
  std::size_t bytes = 0, records = 0;  // of the transaction under way
  Hash128 chain;
  std::string value;  // under construction
};

Result<RestoredTables> RestoredTables::create(const std::string& dir, Epoch epoch,
                                              std::uint64_t backup_bytes) {
  const std::size_t map = kMapLeast + static_cast<std::size_t>(backup_bytes) * kMapPerBackupByte;
  auto journal = Journal::open(dir, map, epoch, nullptr);
  if (!journal) return unexpected<Error>(journal.error());
  auto state = State::open(dir, map, epoch, nullptr);
  if (!state) return unexpected<Error>(state.error());
  return RestoredTables(std::make_unique<Impl>(epoch, std::move(*journal), std::move(*state)));
}

RestoredTables::RestoredTables(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestoredTables::~RestoredTables() = default;
RestoredTables::RestoredTables(RestoredTables&&) noexcept = default;

Result<void> RestoredTables::put(const BackupRecord& record) {
  return impl_->put(record);
}
Result<void> RestoredTables::finish() {
  return impl_->commit();
}

}  // namespace prismbus
