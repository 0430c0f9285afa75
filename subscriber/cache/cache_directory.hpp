// The files of a cache and who may touch them. One writer at a time, told by a lock on `lock`; other
// processes only read. Everything is opened relative to the directory, never through a symbolic link, and
// counts only when it is a regular file of this user that nobody else may write. Files come to be whole: they
// are written under another name, synced, renamed, and the directory is synced.
// One thread at a time. The lock ends with the process or this object; a child made by fork() shares it until
// it execs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/wire/error.hpp"
#include "subscriber/cache/trusted_file.hpp"

namespace prismbus {

class CacheDirectory {
 public:
  // Creates it (0700) when it is not there, its parent is. Errors: invalid_argument (no directory, another
  // owner, accessible to others), unavailable (what the system said).
  [[nodiscard]] static Result<CacheDirectory> open(const std::string& path);

  // The lock is ours: only then may anything be written. open() asks for it once.
  [[nodiscard]] bool writer() const { return static_cast<bool>(lock_); }
  // Asks for the lock again, without waiting: true when it is ours. False: another has it, or nothing can be
  // written there. Errors: unavailable (what the system said).
  [[nodiscard]] Result<bool> try_lock();

  [[nodiscard]] std::vector<std::string> names() const;                   // of cache files, in no order
  [[nodiscard]] Result<std::string> read(const std::string& name) const;  // as read_trusted_file
  // When it was written last; nullopt when it is not there.
  [[nodiscard]] std::optional<Wall> written_at(const std::string& name) const;

  // Behind `size` bytes, which must be all there are. Errors: not_found (no such file, or another size, or
  // not ours), read_only (no space), unavailable. After an error the file is as it was, or is removed.
  [[nodiscard]] Result<void> append(const std::string& name, std::uint64_t size, std::string_view bytes);

  // A new content for `name`: begin, write any number of times, then publish (synced and renamed) or
  // discard. Errors: read_only, unavailable; then the former file is still there.
  [[nodiscard]] Result<FileHandle> begin() const;
  [[nodiscard]] static Result<void> write(const FileHandle& file, std::string_view bytes);
  [[nodiscard]] Result<void> publish(const FileHandle& file, const std::string& name);
  void discard() const;

  void remove(const std::string& name);

 private:
  explicit CacheDirectory(FileHandle dir) : dir_(std::move(dir)) {}

  FileHandle dir_, lock_;
};

// XXH3-128 of the namespace in hex and the suffix: a name that any file system takes.
[[nodiscard]] std::string cache_file_name(std::string_view ns);

}  // namespace prismbus
