#include "subscriber/cache_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "proto/base/hash.hpp"
#include "subscriber/cache_format.hpp"

namespace prismbus {
namespace {

constexpr const char* kLock = "lock";
constexpr const char* kPartial = "partial";  // one writer: one is enough, and what a kill left is overwritten
constexpr std::string_view kSuffix = ".cache";
constexpr mode_t kFileMode = 0600, kDirectoryMode = 0700, kOthersWrite = 022, kOthers = 077;

unexpected<Error> system_failed(const std::string& what) {
  const int code = errno;
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG || code == EROFS;
  const ErrorCode named = code == ENOENT                     ? ErrorCode::not_found
                          : code == ELOOP || code == ENOTDIR ? ErrorCode::invalid_argument
                          : full                             ? ErrorCode::read_only
                                                             : ErrorCode::unavailable;
  return fail(named, what + ": " + (code == ELOOP ? "a symbolic link" : std::strerror(code)));
}

bool ours(const struct stat& file) {
  return file.st_uid == ::geteuid();
}

int open_retrying(int at, const char* name, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

std::string cache_file_name(std::string_view ns) {
  const Hash128 hash = xxh3_128(ns);
  return fmt::format("{:016x}{:016x}{}", hash.high, hash.low, kSuffix);
}

Result<std::string> read_trusted_file(int at, const std::string& path, std::uint64_t bytes_max) {
  // O_NONBLOCK: a FIFO that somebody put there must not hold us.
  const FileHandle file(open_retrying(at, path.c_str(), O_RDONLY | O_NONBLOCK));
  if (!file) return system_failed("opening " + path);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return system_failed("looking at " + path);
  if (!S_ISREG(about.st_mode)) return fail(ErrorCode::invalid_argument, path + " is no regular file");
  if (!ours(about) && about.st_uid != 0)
    return fail(ErrorCode::invalid_argument, path + " belongs to another user");
  if ((about.st_mode & kOthersWrite) != 0)
    return fail(ErrorCode::invalid_argument, path + " may be written by others");
  if (about.st_size < 0 || static_cast<std::uint64_t>(about.st_size) > bytes_max)
    return unexpected<Error>(
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

Result<CacheDirectory> CacheDirectory::open(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
    return system_failed("creating the cache directory " + path);
  FileHandle dir(open_retrying(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY));
  if (!dir) return system_failed("opening the cache directory " + path);
  struct stat about {};
  if (::fstat(dir.get(), &about) != 0) return system_failed("looking at the cache directory " + path);
  if (!ours(about))
    return fail_field("cache.directory", path + " belongs to another user: a cache is of one user");
  if ((about.st_mode & kOthers) != 0)
    return fail_field("cache.directory", path + " is open to others: chmod 0700 it");
  CacheDirectory out(std::move(dir));
  if (auto locked = out.take_lock(); !locked) return unexpected<Error>(locked.error());
  return out;
}

// A lock that another holds, or a disk that cannot be written, makes a reader.
Result<void> CacheDirectory::take_lock() {
  FileHandle lock(open_retrying(dir_.get(), kLock, O_RDWR | O_CREAT, kFileMode));
  if (!lock) {
    if (errno == EROFS) return {};
    return system_failed("opening the cache's lock");
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
    lock_ = std::move(lock);
  } else if (errno != EWOULDBLOCK) {
    return system_failed("locking the cache");
  }
  return {};
}

std::vector<std::string> CacheDirectory::names() const {
  std::vector<std::string> out;
  const int fd = ::openat(dir_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return out;
  DIR* listing = ::fdopendir(fd);
  if (listing == nullptr) {
    ::close(fd);
    return out;
  }
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view name(entry->d_name);
    if (name.ends_with(kSuffix)) out.emplace_back(name);
  }
  ::closedir(listing);
  return out;
}

Result<std::string> CacheDirectory::read(const std::string& name) const {
  return read_trusted_file(dir_.get(), name, cache::kFileBytesMax);
}

Result<void> CacheDirectory::append(const std::string& name, std::uint64_t size, std::string_view bytes) {
  const FileHandle file(open_retrying(dir_.get(), name.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK));
  if (!file) return system_failed("opening " + name);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return system_failed("looking at " + name);
  if (!S_ISREG(about.st_mode) || !ours(about) || static_cast<std::uint64_t>(about.st_size) != size)
    return fail(ErrorCode::not_found, name + " is not as it was left");
  auto written = write(file, bytes);
  if (!written && ::ftruncate(file.get(), static_cast<off_t>(size)) != 0) remove(name);
  return written;
}

Result<FileHandle> CacheDirectory::begin() const {
  ::unlinkat(dir_.get(), kPartial, 0);
  FileHandle file(open_retrying(dir_.get(), kPartial, O_WRONLY | O_CREAT | O_EXCL, kFileMode));
  if (!file) return system_failed("creating a cache file");
  return file;
}

Result<void> CacheDirectory::write(const FileHandle& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failed("writing a cache file");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> CacheDirectory::publish(const FileHandle& file, const std::string& name) {
  if (::fsync(file.get()) != 0) return system_failed("syncing a cache file");
  if (::renameat(dir_.get(), kPartial, dir_.get(), name.c_str()) != 0)
    return system_failed("renaming a cache file");
  if (::fsync(dir_.get()) != 0) return system_failed("syncing the cache directory");
  return {};
}

void CacheDirectory::discard() const {
  ::unlinkat(dir_.get(), kPartial, 0);
}

void CacheDirectory::remove(const std::string& name) {
  ::unlinkat(dir_.get(), name.c_str(), 0);
}

}  // namespace prismbus
