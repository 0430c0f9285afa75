// Files that come from outside the process and are believed: cache, seed, key. None is opened through a
// symbolic link, none is read that another user could have written. Blocks on the disk; never on a pipe or a
// device. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

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

// openat() that follows no link in the last part of `path`, closes on exec and goes on after a signal; errno
// says what failed. `at`: a directory's descriptor, or AT_FDCWD.
[[nodiscard]] FileHandle open_without_links(int at, const char* path, int flags, mode_t mode = 0);

// What errno says: not_found, invalid_argument (a link, no directory), read_only (no space), unavailable.
[[nodiscard]] tl::unexpected<Error> system_failed(const std::string& what);

// The whole of a regular file that this user (or root) owns and nobody else may write. Errors: not_found;
// invalid_argument (a link, another kind of file, another owner, writable by others); too_large (over
// `bytes_max`); unavailable (what the system said).
[[nodiscard]] Result<std::string> read_trusted_file(int at, const std::string& path, std::uint64_t bytes_max);

}  // namespace prismbus
