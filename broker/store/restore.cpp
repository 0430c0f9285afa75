#include "broker/store/restore.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "broker/store/backup_reader.hpp"
#include "broker/store/restored_tables.hpp"
#include "proto/base/random.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

// Is in a directory while it is being made. A leftover that has it is removed; one that has not is somebody's
// data.
constexpr const char* kUnfinished = "/unfinished";

// Tells what was done here, whatever is restored: it stays where it is served from.
constexpr const char* kAuditFiles = "/audit";

unexpected<Error> system_failed(const std::string& what) {
  return fail(ErrorCode::unavailable, what + ": " + std::strerror(errno));
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

bool is_empty_directory(const std::string& dir) {
  std::error_code failed;
  return std::filesystem::is_empty(dir, failed) && !failed;
}

std::string without_slash(std::string dir) {
  while (dir.size() > 1 && dir.back() == '/') dir.pop_back();
  return dir;
}

Result<void> write_mark(const std::string& dir) {
  std::FILE* const file = std::fopen((dir + kUnfinished).c_str(), "we");
  if (file == nullptr) return system_failed("opening " + dir + kUnfinished);
  std::fclose(file);
  return sync_directory(dir);
}

// An empty directory with the mark, and nobody else's.
Result<DirectoryLock> make_sibling(const std::string& dir) {
  if (directory_exists(dir) && !is_empty_directory(dir) && !exists(dir + kUnfinished)) {
    return fail(ErrorCode::unavailable, dir + " is in the way and holds finished data: move it elsewhere");
  }
  auto lock = DirectoryLock::take(dir);  // another restore may be at work
  if (!lock) return lock;
  if (const auto marked = write_mark(dir); !marked) return unexpected<Error>(marked.error());
  for (const char* part : {"/journal", "/state", "/journal.new", "/state.new"}) {
    if (const auto removed = remove_tree(dir + part); !removed) return unexpected<Error>(removed.error());
  }
  return lock;
}

Result<void> fill(const std::string& dir, const std::string& backup, Epoch epoch) {
  auto reader = BackupReader::open(backup);
  if (!reader) return unexpected<Error>(reader.error());
  auto tables = RestoredTables::create(dir, epoch, reader->file_bytes());
  if (!tables) return unexpected<Error>(tables.error());
  for (;;) {
    const auto record = reader->next();
    if (!record) return unexpected<Error>(record.error());
    if (!*record) return tables->finish();
    if (auto put = tables->put(**record); !put) return put;
  }
}

Result<AuditReport> require_sound(const std::string& dir) {
  auto report = audit(dir);
  if (report && !report->findings.empty()) {
    return fail(ErrorCode::internal, fmt::format("what was made is not sound, nothing was put in place: {}",
                                                 report->findings.front()));
  }
  return report;
}

// Root restores for whoever serves: what was made belongs to the owner of what it stands in for, else of
// where it stands.
Result<void> give_away(const std::string& made, const std::string& target) {
  struct stat owner {};
  if (::geteuid() != 0) return {};
  if (::stat(target.c_str(), &owner) != 0 && ::stat(parent_directory(target).c_str(), &owner) != 0) {
    return system_failed("looking at " + parent_directory(target));
  }
  std::error_code failed;
  std::vector<std::string> paths{made};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(made, failed))
    paths.push_back(entry.path().string());
  for (const std::string& path : paths) {
    if (::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0) return system_failed("giving away " + path);
  }
  return {};
}

// One rename puts it in place; what was there has been moved aside by the same step.
Result<void> put_in_place(const std::string& made, const std::string& target, const std::string& aside) {
  if (auto given = give_away(made, target); !given) return given;
  if (::unlink((made + kUnfinished).c_str()) != 0) return system_failed("finishing " + made);
  if (auto synced = sync_directory(made); !synced) return synced;
  if (aside.empty()) {
    if (::rename(made.c_str(), target.c_str()) != 0) return system_failed("renaming " + made);
    return sync_directory(parent_directory(target));
  }
  if (auto swapped = exchange_directories(made, target); !swapped) return swapped;
  if (directory_exists(made + kAuditFiles)) {
    if (::rename((made + kAuditFiles).c_str(), (target + kAuditFiles).c_str()) != 0)
      return system_failed("moving " + made + kAuditFiles);
    if (auto synced = sync_directory(target); !synced) return synced;
  }
  if (::rename(made.c_str(), aside.c_str()) != 0) return system_failed("renaming " + made);
  return sync_directory(parent_directory(target));
}

}  // namespace

Result<RestoreReport> restore_backup(const RestoreSettings& settings, Wall now) {
  const std::string target = without_slash(settings.data_dir), made = target + ".restoring";
  const bool occupied = exists(target) && !is_empty_directory(target);
  if (occupied && !settings.replace) {
    return fail(ErrorCode::unavailable,
                target + " is not empty: name another --data-dir, or say --replace to move it aside");
  }
  std::optional<DirectoryLock> old;
  if (occupied) {
    auto lock = DirectoryLock::take(target);  // no broker runs on it
    if (!lock) return unexpected<Error>(lock.error());
    old.emplace(std::move(*lock));
  }
  // All of it before anything is made: a damaged backup costs nothing but reading it.
  const auto backup = verify_backup(settings.backup);
  if (!backup) return unexpected<Error>(backup.error());
  const auto lock = make_sibling(made);
  if (!lock) return unexpected<Error>(lock.error());
  RestoreReport report;
  report.backup = backup->header;
  do {
    report.epoch = Epoch(random_u64());
  } while (report.epoch == report.backup.epoch || report.epoch == Epoch(0));
  if (const auto filled = fill(made, settings.backup, report.epoch); !filled)
    return unexpected<Error>(filled.error());
  auto sound = require_sound(made);
  if (!sound) return unexpected<Error>(sound.error());
  report.audit = std::move(*sound);
  if (occupied) report.put_by = fmt::format("{}.replaced-{}", target, to_micros(now));
  if (const auto placed = put_in_place(made, target, report.put_by); !placed)
    return unexpected<Error>(placed.error());
  return report;
}

Result<AuditReport> rebuild_state(const std::string& data_dir, std::size_t map_bytes) {
  const std::string dir = without_slash(data_dir), beside = dir + "/rebuilding";
  if (!directory_exists(dir + "/journal")) {
    return fail(ErrorCode::unavailable, dir + " holds no journal: restore a backup");
  }
  const auto lock = DirectoryLock::take(dir);
  if (!lock) return unexpected<Error>(lock.error());
  if (const auto removed = remove_tree(beside); !removed) return unexpected<Error>(removed.error());
  {
    const auto journal = Journal::open(dir, map_bytes, Epoch(0), nullptr);
    if (!journal) return unexpected<Error>(journal.error());
    if (journal->meta().floor != Revision(0)) {
      return fail(ErrorCode::unavailable,
                  fmt::format("the journal was trimmed up to revision {}: the state cannot be made from it; "
                              "restore a backup",
                              journal->meta().floor.value()));
    }
    if (const auto made = make_directory(beside); !made) return unexpected<Error>(made.error());
    auto state = State::open(beside, map_bytes, journal->meta().epoch, nullptr);
    if (!state) return unexpected<Error>(state.error());
    if (const auto folded = refold(*journal, *state); !folded) return unexpected<Error>(folded.error());
  }
  const std::string made = beside + "/state", target = dir + "/state";
  if (directory_exists(target)) {
    if (const auto swapped = exchange_directories(made, target); !swapped)
      return unexpected<Error>(swapped.error());
  } else {
    if (::rename(made.c_str(), target.c_str()) != 0) return system_failed("renaming " + made);
    if (const auto synced = sync_directory(dir); !synced) return unexpected<Error>(synced.error());
  }
  if (const auto removed = remove_tree(beside); !removed) return unexpected<Error>(removed.error());
  return require_sound(dir);
}

}  // namespace prismbus
