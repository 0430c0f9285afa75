// Opening the state. Its writing is fold.cpp, its reading state_reader.cpp.
#include "broker/store/state.hpp"

#include "broker/store/directory.hpp"
#include "broker/store/disk_keys.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"
#include "broker/store/write_failure.hpp"

namespace prismbus {
namespace {

lmdb::Outcome<void> write_first_meta(lmdb::WriteTxn& txn, const StateMeta& meta) {
  const auto tables = State::Tables::open(txn.get(), true);
  if (!tables) return unexpected<lmdb::Fault>(tables.error());
  std::string record;
  encode_state_meta(record, meta);
  return txn.put(tables->meta, kMetaKey, record);
}

lmdb::Outcome<State::Tables> open_tables(const std::shared_ptr<lmdb::Env>& env) {
  auto txn = lmdb::WriteTxn::begin(env);
  if (!txn) return unexpected<lmdb::Fault>(txn.error());
  auto tables = State::Tables::open(txn->get(), false);
  if (!tables) return tables;
  if (const auto done = txn->commit(); !done) return unexpected<lmdb::Fault>(done.error());
  return tables;
}

}  // namespace

lmdb::Outcome<State::Tables> State::Tables::open(MDB_txn* txn, bool create) {
  Tables tables;
  struct Named {
    const char* name;
    lmdb::Dbi* dbi;
  };
  for (const Named& table :
       {Named{"head", &tables.head}, Named{"deleted", &tables.deleted}, Named{"history", &tables.history},
        Named{"changesets", &tables.changesets}, Named{"namespaces", &tables.namespaces},
        Named{"sessions", &tables.sessions}, Named{"meta", &tables.meta}}) {
    const auto dbi = lmdb::open_dbi(txn, table.name, create);
    if (!dbi) return unexpected<lmdb::Fault>(dbi.error());
    *table.dbi = *dbi;
  }
  return tables;
}

Result<State> State::open(const std::string& dir, std::size_t map_bytes, Epoch epoch,
                          lmdb::DiskFaults* faults) {
  lmdb::Env::Options options;
  options.map_bytes = map_bytes;
  options.faults = faults;
  StateMeta first;
  first.epoch = epoch;
  auto opened = open_or_create_env(dir, "state", options,
                                   [&first](lmdb::WriteTxn& txn) { return write_first_meta(txn, first); });
  if (!opened) return unexpected<Error>(opened.error());
  State state;
  state.env_ = std::move(opened->env);
  auto tables = open_tables(state.env_);
  if (!tables) return unexpected<Error>(open_error("state", tables.error()));
  state.tables_ = std::make_shared<const Tables>(*tables);

  lmdb::ReadTxn txn(state.env_);
  if (const auto begun = txn.renew(); !begun) return unexpected<Error>(open_error("state", begun.error()));
  const auto record = lmdb::get(txn.get(), tables->meta, kMetaKey);
  if (!record) return unexpected<Error>(read_error("state", record.error()));
  if (!*record) return fail(ErrorCode::internal, "the state has no meta record");
  auto meta = decode_state_meta(**record);
  if (!meta) return unexpected<Error>(meta.error());
  if (meta->epoch != epoch) return fail(ErrorCode::other_history, "the state belongs to another history");
  state.meta_ = *meta;
  return state;
}

}  // namespace prismbus
