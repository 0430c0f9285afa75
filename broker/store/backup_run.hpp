// One backup under way. The state's view is taken first, then the journal's end: what the state has folded
// the journal has. The state's view is held while the state is streamed and not longer; the journal's records
// never change and retention's gate is closed, so they are read through short views: a backup pins pages of
// the journal for one piece at a time. What the state's view costs: pages that folds replace meanwhile are
// used again only afterwards. Each record's checksum and the journal's chain are verified on the way: damage
// is not copied. Memory: one buffer. One thread, not one of those that serve.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/store/backup_file.hpp"
#include "broker/store/backup_format.hpp"
#include "broker/store/journal.hpp"
#include "broker/store/state.hpp"

namespace prismbus {

struct BackupSettings {
  std::string dir;                     // where backups are kept; made when it is not there
  std::uint64_t keep_free = 0;         // bytes of that file system that a backup leaves alone
  std::size_t piece_bytes = 4u << 20;  // streamed a step; tests step by less
};

struct BackupDone {
  std::string path;
  std::uint64_t bytes = 0;
  std::string sha256;  // of the whole file, hex
};

class BackupRun {
 public:
  // Takes the views and writes the header. `name`: see validate_backup_name. Errors: invalid_argument (the
  // name), unavailable, read_only (no room), internal (a damaged record, named).
  [[nodiscard]] static Result<std::unique_ptr<BackupRun>> begin(const Journal& journal, const State& state,
                                                                const BackupSettings& settings,
                                                                const std::string& name, Wall now);
  ~BackupRun();  // removes the file unless it was finished

  // Streams the next piece, about `piece_bytes`. nullopt = there is more. Errors end the backup; as begin's,
  // and compacted: retention took records that were still to be copied (begin anew).
  [[nodiscard]] Result<std::optional<BackupDone>> step();

 private:
  struct Impl;
  explicit BackupRun(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
