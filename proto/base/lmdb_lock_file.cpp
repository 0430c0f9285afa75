#include "proto/base/lmdb_lock_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace prismbus::lmdb {
namespace {

constexpr mode_t kFileMode = 0600;
// A reader's slot is a cache line; the header before the slots is less than sixteen. What is more than LMDB
// needs becomes more slots.
constexpr off_t kSlotBytes = 64, kHeaderSlots = 16;

}  // namespace

int allocate_lock_file(const std::string& dir, unsigned max_readers) {
  const std::string path = dir + "/lock.mdb";
  bool made = true;
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
  if (fd < 0 && errno == EEXIST) {
    made = false;
    fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  }
  if (fd < 0) return errno == ENOSPC || errno == EDQUOT ? errno : 0;
  struct stat status {};
  const bool looked = ::fstat(fd, &status) == 0;
  const off_t size = made ? (static_cast<off_t>(max_readers) + kHeaderSlots) * kSlotBytes : status.st_size;
  int rc = 0;
  if (looked && size > 0) {
    do {
      rc = ::fallocate(fd, 0, 0, size) == 0 ? 0 : errno;
    } while (rc == EINTR);
  }
  ::close(fd);
  if (rc != ENOSPC && rc != EDQUOT) return 0;  // a file system that cannot: LMDB goes on as ever
  if (made) ::unlink(path.c_str());
  return rc;
}

}  // namespace prismbus::lmdb
