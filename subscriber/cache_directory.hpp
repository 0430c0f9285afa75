// The files of a cache and who may touch them. One writer at a time, told by a lock on `lock`; other
// processes only read. Everything is opened relative to the directory, never through a symbolic link, and
// counts only when it is a regular file of this user that nobody else may write. Files come to be whole: they
// are written under another name, synced, renamed, and the directory is synced.
// One thread at a time. The lock ends with the process or this object; a child made by fork() shares it until
// it execs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/error.hpp"

namespace prismbus {

// An owned descriptor.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// The whole of a regular file that this user (or root) owns and nobody else may write. Errors: not_found;
// invalid_argument (a link, another kind of file, another owner, writable by others); too_large (over
// `bytes_max`); unavailable (what the system said). `at`: a directory's descriptor, or AT_FDCWD. Blocks on
// the disk; never on a pipe or a device.
[[nodiscard]] Result<std::string> read_trusted_file(int at, const std::string& path, std::uint64_t bytes_max);

class CacheDirectory {
 public:
  // Creates it (0700) when it is not there, its parent is. Errors: invalid_argument (no directory, another
  // owner, accessible to others), unavailable (what the system said).
  [[nodiscard]] static Result<CacheDirectory> open(const std::string& path);

  // The lock is ours: only then may anything be written.
  [[nodiscard]] bool writer() const { return static_cast<bool>(lock_); }

  [[nodiscard]] std::vector<std::string> names() const;                   // of cache files, in no order
  [[nodiscard]] Result<std::string> read(const std::string& name) const;  // as read_trusted_file

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
  [[nodiscard]] Result<void> take_lock();

  FileHandle dir_, lock_;
};

// XXH3-128 of the namespace in hex and the suffix: a name that any file system takes.
[[nodiscard]] std::string cache_file_name(std::string_view ns);

}  // namespace prismbus
