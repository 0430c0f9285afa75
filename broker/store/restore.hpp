// Making a data directory from a backup, and the state anew from its journal: what `prismbusd restore` and
// `prismbusd rebuild` do on a stopped directory. Both build beside what is there, verify the result by
// audit(), and put it in place with one rename: a crash at any point leaves the old or the new, never half of
// one. Caller's thread, blocks for the disk.
#pragma once

#include <string>

#include "broker/store/backup_format.hpp"
#include "broker/store/store.hpp"

namespace prismbus {

struct RestoreSettings {
  std::string backup;    // the file
  std::string data_dir;  // made; what is there and not empty is refused unless `replace`
  bool replace = false;  // moves what is there aside, to `<data_dir>.replaced-<microseconds>`
};

struct RestoreReport {
  BackupHeader backup;
  Epoch epoch;         // the new history's name
  AuditReport audit;   // sound
  std::string put_by;  // where the old directory was moved; empty = there was none
};

// The restored store continues at the backup's last revision under a new epoch, which is what tells every
// client that its copy and its cursors are of another history. Errors: unavailable (cannot read, write or
// lock, the directory is not empty), internal (the backup is damaged; names the record), unsupported (a newer
// format; names both), invalid_argument (no backup).
[[nodiscard]] Result<RestoreReport> restore_backup(const RestoreSettings& settings, Wall now);

// Makes state/ from journal/ while nothing was trimmed; what stood there is replaced. Errors: unavailable (a
// broker is running, or the journal was trimmed: the message says to restore a backup), internal (the journal
// is damaged; names the record).
[[nodiscard]] Result<AuditReport> rebuild_state(const std::string& data_dir, std::size_t map_bytes);

}  // namespace prismbus
