// Files that come from outside the process and are believed: keys, policies, caches. None is opened through a
// symbolic link, none is read that another user could have written. And files for this user alone, which are
// there whole or not at all. Blocks on the disk; never on a pipe or a device. Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "proto/base/result.hpp"
#include "proto/base/secret_bytes.hpp"

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

// Why a file is not believed, or what the system said. proto/wire/file_error.hpp makes an Error of it.
struct FileFault {
  enum class Kind : std::uint8_t {
    system,           // `error_number`, while `doing`
    no_regular_file,  // a directory, a pipe, a device
    other_owner,
    open_to_others,  // it has some of the permission bits `refused`
    too_large,       // `size` of at most `size_max`
  };
  Kind kind = Kind::system;
  int error_number = 0;
  const char* doing = "";  // "opening", "reading", ...
  mode_t refused = 0;
  std::uint64_t size = 0, size_max = 0;
};

inline constexpr mode_t kOthersWrite = 022, kOthersAnything = 077;

struct FileTrust {
  mode_t refused = kOthersWrite;  // permission bits that it may not have
  bool root_may_own = true;       // root's files are believed as this user's are
  std::uint64_t size_max = 0;
};

struct CheckedFile {
  FileHandle handle;
  mode_t mode = 0;
  std::uint64_t size = 0;  // when it was opened
};
[[nodiscard]] Result<CheckedFile, FileFault> open_checked_file(int at, const char* path,
                                                               const FileTrust& trust);

// Fills `out`; fewer bytes only at the end of the file.
[[nodiscard]] Result<std::size_t, FileFault> read_fully(const FileHandle& file, char* out, std::size_t size);

// The whole of it, where no core dump shows it; `mode` (may be null): the permission bits it has.
[[nodiscard]] Result<SecretBytes, FileFault> read_secret_file(const std::string& path, const FileTrust& trust,
                                                              mode_t* mode = nullptr);

// A file of mode 0600 under that name, whole or not at all: written beside it, synced, renamed, and the
// rename synced. What was there before is replaced, a symbolic link too.
[[nodiscard]] Result<void, FileFault> write_private_file(const std::string& path, std::string_view bytes);

// What was created or renamed in a directory stays. Follows a link: a directory may be reached by one.
[[nodiscard]] Result<void, FileFault> fsync_directory(const std::string& path);

}  // namespace prismbus
