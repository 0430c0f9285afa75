#include "subscriber/trusted_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace prismbus {
namespace {

constexpr mode_t kOthersWrite = 022;

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

FileHandle open_without_links(int at, const char* path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::openat(at, path, flags | O_NOFOLLOW | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return FileHandle(fd);
}

tl::unexpected<Error> system_failed(const std::string& what) {
  const int code = errno;
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG || code == EROFS;
  const ErrorCode named = code == ENOENT                     ? ErrorCode::not_found
                          : code == ELOOP || code == ENOTDIR ? ErrorCode::invalid_argument
                          : full                             ? ErrorCode::read_only
                                                             : ErrorCode::unavailable;
  return fail(named, what + ": " + (code == ELOOP ? "a symbolic link" : std::strerror(code)));
}

Result<std::string> read_trusted_file(int at, const std::string& path, std::uint64_t bytes_max) {
  // O_NONBLOCK: a FIFO that somebody put there must not hold us.
  const FileHandle file = open_without_links(at, path.c_str(), O_RDONLY | O_NONBLOCK);
  if (!file) return system_failed("opening " + path);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return system_failed("looking at " + path);
  if (!S_ISREG(about.st_mode)) return fail(ErrorCode::invalid_argument, path + " is no regular file");
  if (about.st_uid != ::geteuid() && about.st_uid != 0)
    return fail(ErrorCode::invalid_argument, path + " belongs to another user");
  if ((about.st_mode & kOthersWrite) != 0)
    return fail(ErrorCode::invalid_argument, path + " may be written by others");
  if (about.st_size < 0 || static_cast<std::uint64_t>(about.st_size) > bytes_max)
    return tl::unexpected<Error>(
        over_limit("file", path + " is too large", bytes_max, static_cast<std::uint64_t>(about.st_size)));
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  std::size_t had = 0;
  while (had < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + had, bytes.size() - had);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failed("reading " + path);
    if (got == 0) break;  // cut meanwhile
    had += static_cast<std::size_t>(got);
  }
  bytes.resize(had);
  return bytes;
}

}  // namespace prismbus
