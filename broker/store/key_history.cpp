#include "broker/store/key_history.hpp"

#include "broker/store/state_tables.hpp"
#include "broker/store/write_failure.hpp"

namespace prismbus {

Result<KeyHistory::Version> KeyHistory::load(Revision rev, std::string_view ns, std::string_view key) {
  const std::string_view disk_key = key_.history(rev, ns, key);
  const auto row = state_.find_row(state_.tables().history, disk_key);
  if (!row) return unexpected<Error>(row.error());
  if (!*row) return unexpected<Error>(damaged_record("history", disk_key, "is not there"));
  auto record = decode_history(disk_key, **row);
  if (!record) return unexpected<Error>(damaged_record("history", disk_key));
  return Version{rev, std::move(*record)};
}

Result<std::optional<KeyHistory::Version>> KeyHistory::find_from(Revision newest, VersionLinks links,
                                                                 Revision at, std::string_view ns,
                                                                 std::string_view key) {
  Revision rev = newest;
  while (rev > at) {
    if (links.levels.empty()) return std::optional<Version>();
    rev = links.levels[0];
    for (const Revision further : links.levels) {
      if (further > at) rev = further;
    }
    auto version = load(rev, ns, key);
    if (!version) return unexpected<Error>(version.error());
    if (rev <= at) return std::optional(std::move(*version));
    links = std::move(version->record.links);
  }
  auto version = load(rev, ns, key);
  if (!version) return unexpected<Error>(version.error());
  return std::optional(std::move(*version));
}

Result<std::optional<KeyHistory::Version>> KeyHistory::find(Revision at, std::string_view ns,
                                                            std::string_view key) {
  if (!fits_disk_key(ns, key)) return std::optional<Version>();
  const std::string_view disk_key = key_.head(ns, key);
  const auto head = state_.find_row(state_.tables().head, disk_key);
  if (!head) return unexpected<Error>(head.error());
  if (*head) {
    auto record = decode_head_record(disk_key, **head);
    if (!record) return unexpected<Error>(damaged_record("head", disk_key));
    return find_from(record->entry.rev, std::move(record->links), at, ns, key);
  }
  const auto deleted = state_.find_row(state_.tables().deleted, disk_key);
  if (!deleted) return unexpected<Error>(deleted.error());
  if (!*deleted) return std::optional<Version>();
  auto record = decode_deleted(disk_key, **deleted);
  if (!record) return unexpected<Error>(damaged_record("deleted", disk_key));
  return find_from(record->rev, std::move(record->links), at, ns, key);
}

Result<std::optional<KeyHistory::Version>> KeyHistory::before(const Version& version, std::string_view ns,
                                                              std::string_view key) {
  if (version.record.links.levels.empty()) return std::optional<Version>();
  auto older = load(version.record.links.levels[0], ns, key);
  if (!older) return unexpected<Error>(older.error());
  return std::optional(std::move(*older));
}

EntryView entry_of(const KeyHistory::Version& version, std::string_view ns, std::string_view key) {
  const HistoryRecord& record = version.record;
  return {ns, key, record.value, version.rev, record.created, record.version, record.time, record.by};
}

Result<std::optional<Wall>> time_of(StateReader& state, Revision rev) {
  const auto txn = state.snapshot();
  if (!txn) return unexpected<Error>(txn.error());
  auto cursor = lmdb::Cursor::open(*txn, state.tables().history);
  if (!cursor) return unexpected<Error>(read_error("state", cursor.error()));
  DiskKey key;
  const auto row = cursor->seek(key.log(rev));  // every row of a revision begins with it
  if (!row) return unexpected<Error>(read_error("state", row.error()));
  if (!*row) return std::optional<Wall>();
  const auto name = decode_history_key((*row)->key);
  const auto record = decode_history((*row)->key, (*row)->value);
  if (!name || !record) return unexpected<Error>(damaged_record("history", (*row)->key));
  return name->rev == rev ? std::optional(record->time) : std::nullopt;
}

}  // namespace prismbus
