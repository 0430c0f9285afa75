#include "proto/base/checked_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "proto/base/random.hpp"

namespace prismbus {
namespace {

constexpr mode_t kPermissions = 07777;

tl::unexpected<FileFault> system_fault(const char* doing) {
  FileFault fault;
  fault.error_number = errno;
  fault.doing = doing;
  return tl::unexpected<FileFault>(fault);
}

tl::unexpected<FileFault> refused(FileFault::Kind kind, mode_t bits = 0) {
  FileFault fault;
  fault.kind = kind;
  fault.refused = bits;
  return tl::unexpected<FileFault>(fault);
}

Result<void, FileFault> write_and_sync(const FileHandle& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_fault("writing");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return system_fault("syncing");
  return {};
}

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

Result<CheckedFile, FileFault> open_checked_file(int at, const char* path, const FileTrust& trust) {
  CheckedFile file;
  // O_NONBLOCK: a FIFO that somebody put there must not hold us.
  file.handle = open_without_links(at, path, O_RDONLY | O_NONBLOCK);
  if (!file.handle) return system_fault("opening");
  struct stat about {};
  if (::fstat(file.handle.get(), &about) != 0) return system_fault("looking at");
  if (!S_ISREG(about.st_mode)) return refused(FileFault::Kind::no_regular_file);
  if (about.st_uid != ::geteuid() && !(trust.root_may_own && about.st_uid == 0)) {
    return refused(FileFault::Kind::other_owner);
  }
  if ((about.st_mode & trust.refused) != 0) return refused(FileFault::Kind::open_to_others, trust.refused);
  file.mode = about.st_mode & kPermissions;
  file.size = about.st_size < 0 ? 0 : static_cast<std::uint64_t>(about.st_size);
  if (file.size <= trust.size_max) return file;
  FileFault fault;
  fault.kind = FileFault::Kind::too_large;
  fault.size = file.size;
  fault.size_max = trust.size_max;
  return tl::unexpected<FileFault>(fault);
}

Result<std::size_t, FileFault> read_fully(const FileHandle& file, char* out, std::size_t size) {
  std::size_t had = 0;
  while (had < size) {
    const ssize_t got = ::read(file.get(), out + had, size - had);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_fault("reading");
    if (got == 0) break;  // its end, or cut meanwhile
    had += static_cast<std::size_t>(got);
  }
  return had;
}

Result<SecretBytes, FileFault> read_secret_file(const std::string& path, const FileTrust& trust,
                                                mode_t* mode) {
  const auto file = open_checked_file(AT_FDCWD, path.c_str(), trust);
  if (!file) return tl::unexpected<FileFault>(file.error());
  SecretBytes bytes(static_cast<std::size_t>(file->size));
  const auto had = read_fully(file->handle, bytes.data(), bytes.size());
  if (!had) return tl::unexpected<FileFault>(had.error());
  bytes.shorten(*had);
  if (mode != nullptr) *mode = file->mode;
  return bytes;
}

Result<void, FileFault> fsync_directory(const std::string& path) {
  const FileHandle directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return system_fault("opening");
  if (::fsync(directory.get()) != 0) return system_fault("syncing");
  return {};
}

Result<void, FileFault> write_private_file(const std::string& path, std::string_view bytes) {
  const std::string beside = fmt::format("{}.{:016x}.new", path, random_u64());
  const FileHandle file = open_without_links(AT_FDCWD, beside.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) return system_fault("creating");
  Result<void, FileFault> written = write_and_sync(file, bytes);
  if (written && ::rename(beside.c_str(), path.c_str()) != 0) written = system_fault("replacing");
  if (!written) {
    ::unlink(beside.c_str());
    return written;
  }
  const std::size_t slash = path.rfind('/');
  return fsync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace prismbus
