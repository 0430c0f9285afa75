#include "publisher/outbox/outbox_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "proto/wire/file_error.hpp"

namespace prismbus {
namespace {

constexpr mode_t kDirMode = 0700, kFileMode = 0600;

tl::unexpected<Error> system_failed(const std::string& what) {
  return fail(ErrorCode::unavailable, what + ": " + std::strerror(errno));
}

// And syncs what holds it: an outbox that vanishes with the power would take its writes along.
Result<void> make(const std::filesystem::path& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) == 0) return {};
  const auto parent = directory.parent_path();
  if (!parent.empty() && parent != directory) {
    if (auto made = make(parent); !made) return made;
  }
  if (::mkdir(directory.c_str(), kDirMode) != 0 && errno != EEXIST) {
    return system_failed("creating " + directory.string());
  }
  return sync_directory(parent.empty() ? "." : parent.string());
}

}  // namespace

Result<int> hold_outbox_directory(const std::string& directory) {
  std::filesystem::path path(directory);
  if (!path.has_filename()) path = path.parent_path();
  if (const auto made = make(path); !made) return tl::unexpected<Error>(made.error());
  const std::string lock = directory + "/owner";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (fd < 0) return system_failed("opening " + lock);
  int rc = 0;
  do {
    rc = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (rc != 0 && errno == EINTR);
  if (rc == 0) {
    if (const auto synced = sync_directory(directory); !synced) {
      ::close(fd);
      return tl::unexpected<Error>(synced.error());
    }
    return fd;
  }
  const bool taken = errno == EWOULDBLOCK;
  const auto failed = system_failed("locking " + lock);
  ::close(fd);
  if (taken) return fail(ErrorCode::unavailable, "another publisher holds the outbox " + directory);
  return failed;
}

void release_outbox_directory(int held) {
  if (held >= 0) ::close(held);
}

int look_for_outbox(const std::string& directory) {
  return ::faccessat(AT_FDCWD, (directory + "/data.mdb").c_str(), R_OK, AT_EACCESS) == 0 ? 0 : errno;
}

}  // namespace prismbus
