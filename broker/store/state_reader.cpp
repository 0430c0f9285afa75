// Point reads of the state. A snapshot that could not be renewed is not an abort: each read then says why.
#include "broker/store/disk_keys.hpp"
#include "broker/store/record_bytes.hpp"
#include "broker/store/state.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"
#include "broker/store/write_failure.hpp"

namespace prismbus {
namespace {

// LMDB's pages carry no checksum: a bit flipped in a key, there or in a page above, hides a row from whoever
// looks for it, and "absent" would be a lie. The search then ends beside the row that is not what it was, or
// among rows that do not enclose what was looked for. So both neighbours have to be sound, and to lie on
// either side.
Result<void> prove_absent(MDB_txn* txn, lmdb::Dbi table, std::string_view disk_key) {
  auto cursor = lmdb::Cursor::open(txn, table);
  if (!cursor) return unexpected<Error>(read_error("state", cursor.error()));
  const auto after = cursor->seek(disk_key);
  if (!after) return unexpected<Error>(read_error("state", after.error()));
  if (*after && ((*after)->key <= disk_key || !open_record((*after)->key, (*after)->value)))
    return unexpected<Error>(damaged_record("row", (*after)->key));
  const auto before = *after ? cursor->previous() : cursor->last();
  if (!before) return unexpected<Error>(read_error("state", before.error()));
  if (*before && ((*before)->key >= disk_key || !open_record((*before)->key, (*before)->value)))
    return unexpected<Error>(damaged_record("row", (*before)->key));
  return {};
}

}  // namespace

StateReader::StateReader(const State& state)
    : env_(state.env()), tables_(state.tables()), vault_(state.vault()), txn_(env_) {}

StateReader StateReader::renewed(const State& state) {
  StateReader reader(state);
  reader.renew();
  return reader;
}

void StateReader::renew() {
  ready_ = {};
  if (const auto begun = txn_.renew(); !begun) {
    ready_ = unexpected<Error>(read_error("state", begun.error()));
    return;
  }
  const auto record = lmdb::get(txn_.get(), tables_->meta, kMetaKey);
  if (!record) {
    ready_ = unexpected<Error>(read_error("state", record.error()));
  } else if (!*record) {
    ready_ = fail(ErrorCode::internal, "the state has no meta record");
  } else if (auto meta = decode_state_meta(**record); !meta) {
    ready_ = unexpected<Error>(meta.error());
  } else {
    folded_ = meta->folded;
    floor_ = meta->floor;
  }
  if (!ready_) txn_.release();
}

void StateReader::release() {
  txn_.release();
}

Result<MDB_txn*> StateReader::snapshot() {
  if (txn_.get() == nullptr) renew();
  if (!ready_) return unexpected<Error>(ready_.error());
  return txn_.get();
}

Result<std::optional<std::string_view>> StateReader::find_row(lmdb::Dbi table, std::string_view disk_key) {
  const auto txn = snapshot();
  if (!txn) return unexpected<Error>(txn.error());
  const auto record = lmdb::get(*txn, table, disk_key);
  if (!record) return unexpected<Error>(read_error("state", record.error()));
  if (*record) return *record;
  if (const auto absent = prove_absent(*txn, table, disk_key); !absent)
    return unexpected<Error>(absent.error());
  return std::optional<std::string_view>();
}

Result<std::optional<EntryView>> StateReader::find(std::string_view ns, std::string_view key) {
  if (!fits_disk_key(ns, key)) return std::optional<EntryView>();
  const std::string_view disk_key = key_.head(ns, key);
  const auto record = find_row(tables_->head, disk_key);
  if (!record) return unexpected<Error>(record.error());
  if (!*record) return std::optional<EntryView>();
  auto entry = decode_head(disk_key, **record);
  if (!entry) return unexpected<Error>(damaged_record("head", disk_key));
  entry->ns = ns;  // the caller's, not the key under construction
  entry->key = key;
  return entry;
}

Result<std::optional<RecentHead>> StateReader::find_head(std::string_view ns) {
  if (ns.empty() || !fits_disk_key(ns, {})) return std::optional<RecentHead>();
  const auto record = find_row(tables_->namespaces, ns);
  if (!record) return unexpected<Error>(record.error());
  if (!*record) return std::optional<RecentHead>();
  auto head = decode_namespace(ns, **record);
  if (!head) return unexpected<Error>(damaged_record("namespaces", ns));
  return head;
}

Result<std::optional<Revision>> StateReader::find_change_set(std::string_view ns, Seq seq) {
  if (!fits_disk_key(ns, {})) return std::optional<Revision>();
  const std::string_view disk_key = key_.changeset(ns, seq);
  const auto record = find_row(tables_->changesets, disk_key);
  if (!record) return unexpected<Error>(record.error());
  if (!*record) return std::optional<Revision>();
  const auto rev = decode_changeset(disk_key, **record);
  if (!rev) return unexpected<Error>(damaged_record("changesets", disk_key));
  return rev;
}

Result<std::optional<SessionState>> StateReader::find_session(std::string_view by, std::string_view session) {
  if (!fits_session_key(by, session)) return std::optional<SessionState>();
  const std::string_view header_key = key_.session_header(by, session);
  const auto header_record = find_row(tables_->sessions, header_key);
  if (!header_record) return unexpected<Error>(header_record.error());
  if (!*header_record) return std::optional<SessionState>();
  const auto header = decode_session_header(header_key, **header_record);
  if (!header) return unexpected<Error>(damaged_record("sessions", header_key));
  const std::string_view disk_key = key_.session_outcomes(by, session);
  const auto record = find_row(tables_->sessions, disk_key);
  if (!record) return unexpected<Error>(record.error());
  auto state = *record ? decode_session_outcomes(disk_key, **record) : std::nullopt;
  if (!state || state->highest != header->highest)
    return unexpected<Error>(damaged_record("sessions", disk_key));
  state->last_write = header->last_write;
  return state;
}

Result<std::vector<StateReader::SessionHeader>> StateReader::session_headers(Wall since) {
  const auto txn = snapshot();
  if (!txn) return unexpected<Error>(txn.error());
  auto cursor = lmdb::Cursor::open(*txn, tables_->sessions);
  if (!cursor) return unexpected<Error>(read_error("state", cursor.error()));
  std::vector<SessionHeader> out;
  for (auto at = cursor->seek(kSessionHeaderPrefix);; at = cursor->next()) {
    if (!at) return unexpected<Error>(read_error("state", at.error()));
    if (!*at || !(*at)->key.starts_with(kSessionHeaderPrefix)) break;
    const auto name = decode_session_key((*at)->key);
    const auto header = decode_session_header((*at)->key, (*at)->value);
    if (!name || !header) return unexpected<Error>(damaged_record("sessions", (*at)->key));
    if (header->last_write < since) continue;
    out.push_back({std::string(name->by), std::string(name->session), header->highest, header->last_write});
  }
  return out;
}

}  // namespace prismbus
