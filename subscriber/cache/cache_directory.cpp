#include "subscriber/cache/cache_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <utility>

#include "proto/base/hash.hpp"
#include "subscriber/cache/cache_format.hpp"

namespace prismbus {
namespace {

constexpr const char* kLock = "lock";
constexpr const char* kPartial = "partial";  // one writer: one is enough, and what a kill left is overwritten
constexpr std::string_view kSuffix = ".cache";
constexpr mode_t kFileMode = 0600, kDirectoryMode = 0700, kOthers = 077;

bool ours(const struct stat& file) {
  return file.st_uid == ::geteuid();
}

}  // namespace

std::string cache_file_name(std::string_view ns) {
  const Hash128 hash = xxh3_128(ns);
  return fmt::format("{:016x}{:016x}{}", hash.high, hash.low, kSuffix);
}

Result<CacheDirectory> CacheDirectory::open(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST)
    return system_failed("creating the cache directory " + path);
  FileHandle dir = open_without_links(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!dir) return system_failed("opening the cache directory " + path);
  struct stat about {};
  if (::fstat(dir.get(), &about) != 0) return system_failed("looking at the cache directory " + path);
  if (!ours(about))
    return fail_field("cache.directory", path + " belongs to another user: a cache is of one user");
  if ((about.st_mode & kOthers) != 0)
    return fail_field("cache.directory", path + " is open to others: chmod 0700 it");
  CacheDirectory out(std::move(dir));
  if (auto locked = out.try_lock(); !locked) return unexpected<Error>(locked.error());
  return out;
}

Result<bool> CacheDirectory::try_lock() {
  if (lock_) return true;
  FileHandle lock = open_without_links(dir_.get(), kLock, O_RDWR | O_CREAT, kFileMode);
  if (!lock) {
    if (errno == EROFS) return false;
    return system_failed("opening the cache's lock");
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
    lock_ = std::move(lock);
  } else if (errno != EWOULDBLOCK && errno != EINTR) {
    return system_failed("locking the cache");
  }
  return writer();
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

std::optional<Wall> CacheDirectory::written_at(const std::string& name) const {
  struct stat about {};
  if (::fstatat(dir_.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  const auto since_epoch =
      std::chrono::seconds(about.st_mtim.tv_sec) + std::chrono::nanoseconds(about.st_mtim.tv_nsec);
  return Wall(std::chrono::duration_cast<Wall::duration>(since_epoch));
}

Result<void> CacheDirectory::append(const std::string& name, std::uint64_t size, std::string_view bytes) {
  const FileHandle file = open_without_links(dir_.get(), name.c_str(), O_WRONLY | O_APPEND | O_NONBLOCK);
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
  FileHandle file = open_without_links(dir_.get(), kPartial, O_WRONLY | O_CREAT | O_EXCL, kFileMode);
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
