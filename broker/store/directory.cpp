// System calls on the data directory. Everything that creates an entry syncs the directory that holds it.
#include "broker/store/directory.hpp"

#include <fcntl.h>
#include <stdio.h>  // renameat2
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "broker/store/write_failure.hpp"
#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr mode_t kDirMode = 0700, kFileMode = 0600;

unexpected<Error> system_failed(const std::string& what) {
  return fail(ErrorCode::unavailable, what + ": " + std::strerror(errno));
}

Result<void> write_first(const std::string& path, const lmdb::Env::Options& options,
                         const FirstTransaction& first) {
  auto env = lmdb::Env::open(path, options);
  if (!env) return unexpected<Error>(open_error(path, env.error()));
  auto txn = lmdb::WriteTxn::begin(*env);
  if (!txn) return unexpected<Error>(open_error(path, txn.error()));
  if (const auto written = first(*txn); !written) return unexpected<Error>(open_error(path, written.error()));
  if (const auto done = txn->commit(); !done) return unexpected<Error>(open_error(path, done.error()));
  return {};
}

Result<void> create_env(const std::string& dir, const std::string& name, const lmdb::Env::Options& options,
                        const FirstTransaction& first) {
  const std::string path = dir + "/" + name, unfinished = path + ".new";
  if (auto r = remove_tree(unfinished); !r) return r;
  if (auto r = make_directory(unfinished); !r) return r;
  lmdb::Env::Options plain = options;
  plain.faults = nullptr;
  if (auto r = write_first(unfinished, plain, first); !r) return r;
  if (auto r = sync_directory(unfinished); !r) return r;
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return system_failed("renaming " + unfinished);
  return sync_directory(dir);
}

}  // namespace

// ---- lock

Result<DirectoryLock> DirectoryLock::take(const std::string& dir) {
  if (const auto made = make_directory(dir); !made) return unexpected<Error>(made.error());
  const std::string path = dir + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (fd < 0) return system_failed("opening " + path);
  DirectoryLock lock(fd);
  int rc = 0;
  do {
    rc = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (rc != 0 && errno == EINTR);
  if (rc == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return fail(ErrorCode::unavailable, "another broker is running on the data directory " + dir);
  }
  return system_failed("locking " + path);
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}
DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

// ---- directories

Result<void> make_directory(const std::string& dir) {
  if (directory_exists(dir)) return {};
  const std::string parent = parent_directory(dir);
  if (!directory_exists(parent)) {
    if (auto r = make_directory(parent); !r) return r;
  }
  if (::mkdir(dir.c_str(), kDirMode) != 0 && errno != EEXIST) return system_failed("creating " + dir);
  return sync_directory(parent);
}

bool directory_exists(const std::string& dir) {
  struct stat status {};
  return ::stat(dir.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<void> remove_tree(const std::string& dir) {
  std::error_code failed;
  std::filesystem::remove_all(dir, failed);
  if (failed) return fail(ErrorCode::unavailable, "removing " + dir + ": " + failed.message());
  return {};
}

std::string parent_directory(const std::string& dir) {
  std::filesystem::path path(dir);
  if (!path.has_filename()) path = path.parent_path();  // "a/b/" is a/b
  const std::filesystem::path parent = path.parent_path();
  return parent.empty() ? "." : parent.string();
}

Result<void> exchange_directories(const std::string& one, const std::string& other) {
  if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0) {
    return system_failed("exchanging " + one + " and " + other);
  }
  if (auto synced = sync_directory(parent_directory(one)); !synced) return synced;
  return sync_directory(parent_directory(other));
}

// ---- environments

Result<OpenedEnv> open_or_create_env(const std::string& dir, const std::string& name,
                                     const lmdb::Env::Options& options, const FirstTransaction& first) {
  const std::string path = dir + "/" + name;
  OpenedEnv out;
  if (!directory_exists(path)) {
    if (options.read_only) return fail(ErrorCode::unavailable, path + " is not there");
    if (const auto made = create_env(dir, name, options, first); !made)
      return unexpected<Error>(made.error());
    out.created = true;
  }
  auto env = lmdb::Env::open(path, options);
  if (!env) return unexpected<Error>(open_error(path, env.error()));
  out.env = std::move(*env);
  out.env->check_readers();
  return out;
}

}  // namespace prismbus
