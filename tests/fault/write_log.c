// LD_PRELOAD library: writes down, in order and with its bytes, what a process does to its data files, for
// crash_images.py to make of it what a power cut may leave. Any thread; one file has one writer at a time.
//
// An event, in the machine's byte order: kind:1 dsync:1 pad:6 ino:8 offset:8 size:8, then `size` bytes of a 'W'.
//   W  a write that returned; dsync: through a descriptor opened O_DSYNC or O_SYNC (it is durable now)
//   S  a sync of the file that succeeded
//   T  the file's size was set, to `offset`
// Written when the call returned: what a client hears of comes after it in the log.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kFds = 4096 };
struct event {
  char kind, dsync, pad[6];
  uint64_t ino, offset, size;
};

static unsigned long inodes[kFds];  // 0 = no data file
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void open_log(void) {
  const char* path = getenv("PRISMBUS_WRITE_LOG");
  if (path) log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(const void* bytes, size_t size) {
  const char* at = bytes;
  while (size > 0) {
    long n = syscall(SYS_write, log_fd, at, size);
    if (n <= 0) abort();
    at += n;
    size -= (size_t)n;
  }
}

static void note(char kind, int fd, uint64_t offset, const struct iovec* iov, int count, uint64_t size) {
  if (log_fd < 0) return;
  int kept = errno;
  struct event event = {kind, 0, {0}, inodes[fd], offset, size};
  event.dsync = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;  // O_SYNC holds O_DSYNC
  pthread_mutex_lock(&log_lock);
  put(&event, sizeof event);
  for (int i = 0; i < count && size > 0; i++) {
    uint64_t part = iov[i].iov_len < size ? iov[i].iov_len : size;
    put(iov[i].iov_base, part);
    size -= part;
  }
  pthread_mutex_unlock(&log_lock);
  errno = kept;
}

static int is_data(int fd) { return fd >= 0 && fd < kFds && inodes[fd] != 0; }

static int note_open(int fd, const char* path) {
  struct stat st;
  int kept = errno;
  if (fd >= 0 && fd < kFds) {
    size_t size = strlen(path);
    int data = size >= 8 && strcmp(path + size - 8, "data.mdb") == 0;
    inodes[fd] = data && fstat(fd, &st) == 0 ? st.st_ino : 0;
  }
  errno = kept;
  return fd;
}

#define OPEN_BODY(name, ...) \
  va_list more; \
  va_start(more, flags); \
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
  va_end(more); \
  REAL(name); \
  return note_open(real(__VA_ARGS__, mode), path)

int open(const char* path, int flags, ...) { OPEN_BODY(open, path, flags); }
int open64(const char* path, int flags, ...) { OPEN_BODY(open64, path, flags); }
int openat(int dir, const char* path, int flags, ...) { OPEN_BODY(openat, dir, path, flags); }
int openat64(int dir, const char* path, int flags, ...) { OPEN_BODY(openat64, dir, path, flags); }
int close(int fd) {
  REAL(close);
  if (fd >= 0 && fd < kFds) inodes[fd] = 0;
  return real(fd);
}

#define WRITE_BODY(name, iov, count, at, ...) \
  REAL(name); \
  uint64_t place = is_data(fd) ? (uint64_t)(at) : 0; \
  ssize_t result = real(__VA_ARGS__); \
  if (result > 0 && is_data(fd)) note('W', fd, place, iov, count, (uint64_t)result); \
  return result

static off_t here(int fd) { return lseek(fd, 0, SEEK_CUR); }

ssize_t write(int fd, const void* bytes, size_t size) {
  struct iovec one = {(void*)bytes, size};
  WRITE_BODY(write, &one, 1, here(fd), fd, bytes, size);
}
ssize_t writev(int fd, const struct iovec* iov, int count) { WRITE_BODY(writev, iov, count, here(fd), fd, iov, count); }
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  struct iovec one = {(void*)bytes, size};
  WRITE_BODY(pwrite, &one, 1, at, fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  struct iovec one = {(void*)bytes, size};
  WRITE_BODY(pwrite64, &one, 1, at, fd, bytes, size, at);
}
ssize_t pwritev(int fd, const struct iovec* iov, int count, off_t at) {
  WRITE_BODY(pwritev, iov, count, at, fd, iov, count, at);
}
ssize_t pwritev64(int fd, const struct iovec* iov, int count, off64_t at) {
  WRITE_BODY(pwritev64, iov, count, at, fd, iov, count, at);
}

#define SYNC_BODY(name) \
  REAL(name); \
  int result = real(fd); \
  if (result == 0 && is_data(fd)) note('S', fd, 0, NULL, 0, 0); \
  return result

int fdatasync(int fd) { SYNC_BODY(fdatasync); }
int fsync(int fd) { SYNC_BODY(fsync); }

#define TRUNCATE_BODY(name) \
  REAL(name); \
  int result = real(fd, size); \
  if (result == 0 && is_data(fd)) note('T', fd, (uint64_t)size, NULL, 0, 0); \
  return result

int ftruncate(int fd, off_t size) { TRUNCATE_BODY(ftruncate); }
int ftruncate64(int fd, off64_t size) { TRUNCATE_BODY(ftruncate64); }
