// LD_PRELOAD library: writes down, in order, what a process writes to its LMDB files, when it syncs them, and which
// replies and values leave it on sockets. sync_order_test.py reads the log and judges it (I2). Any thread.
//
// One line an event, stamps from one counter (start taken before the call, end after it):
//   W start end ino dsync result marks   a write to a *.mdb file; dsync: the descriptor was opened O_DSYNC or O_SYNC
//   S start end ino result               fdatasync, fsync, msync (ino 0: any file)
//   N start end fd result ids marks      bytes that left on a socket
// marks: numbers n of the text "PBM!" + 8 hex digits found in the bytes; ids: numbers n of the 9-byte MessagePack
// uint64 0x8050424900000000 + n. Both may straddle two sends of one socket: the tail of the last one is kept.
// It only observes: every call is made with its own arguments, and errno is what the call left.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kFds = 4096, kTail = 16, kNumbers = 4096, kLine = 64 + 2 * 10 * kNumbers };

struct file {
  unsigned long ino;  // 0 = no data file
  int dsync;
};
static struct file files[kFds];
static struct {
  size_t size;
  unsigned char bytes[kTail];
} tails[kFds];
static pthread_mutex_t tails_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_ulong stamp = 1;
static int log_fd = -1;

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static unsigned long now(void) { return atomic_fetch_add(&stamp, 1); }

__attribute__((constructor)) static void open_log(void) {
  const char* path = getenv("PRISMBUS_SYNC_LOG");
  if (path) log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void write_line(const char* line, int size) {
  int kept = errno;
  if (log_fd >= 0 && syscall(SYS_write, log_fd, line, size) != size) abort();
  errno = kept;
}

// ---- what is in the bytes

struct numbers {
  size_t count;
  unsigned n[kNumbers];
};

static void add_number(struct numbers* to, unsigned n) {
  if (to->count == kNumbers) abort();
  to->n[to->count++] = n;
}

// Matches that end at or before `known` were seen with an earlier send.
static void find_marks(const unsigned char* bytes, size_t size, size_t known, struct numbers* marks) {
  const unsigned char* at = bytes;
  while ((at = memmem(at, (size_t)(bytes + size - at), "PBM!", 4)) != NULL) {
    if ((size_t)(bytes + size - at) < 12) return;
    if ((size_t)(at + 12 - bytes) > known) {
      char digits[9] = {0};
      memcpy(digits, at + 4, 8);
      add_number(marks, (unsigned)strtoul(digits, NULL, 16));
    }
    at += 12;
  }
}

static void find_ids(const unsigned char* bytes, size_t size, size_t known, struct numbers* ids) {
  static const unsigned char kPrefix[5] = {0xcf, 0x80, 'P', 'B', 'I'};
  const unsigned char* at = bytes;
  while ((at = memmem(at, (size_t)(bytes + size - at), kPrefix, sizeof kPrefix)) != NULL) {
    if ((size_t)(bytes + size - at) < 9) return;
    if ((size_t)(at + 9 - bytes) > known)
      add_number(ids, (unsigned)at[5] << 24 | (unsigned)at[6] << 16 | (unsigned)at[7] << 8 | at[8]);
    at += 9;
  }
}

static int print_numbers(char* out, const struct numbers* numbers) {
  int size = 0;
  if (numbers->count == 0) out[size++] = '-';
  for (size_t i = 0; i < numbers->count; i++) size += sprintf(out + size, i ? ",%u" : "%u", numbers->n[i]);
  return size;
}

// Gathers at most `result` bytes of the vector into one run; NULL when there is nothing. The caller frees it.
static unsigned char* gather(const struct iovec* iov, int count, size_t head, size_t result) {
  unsigned char* bytes = malloc(head + result + 1);
  if (!bytes) abort();
  size_t size = 0;
  for (int i = 0; i < count && size < result; i++) {
    size_t part = iov[i].iov_len < result - size ? iov[i].iov_len : result - size;
    memcpy(bytes + head + size, iov[i].iov_base, part);
    size += part;
  }
  return bytes;
}

// ---- the three kinds of events

static void log_write(int fd, unsigned long start, ssize_t result, const struct iovec* iov, int count) {
  static __thread struct numbers marks;
  static __thread char line[kLine];
  marks.count = 0;
  if (result > 0) {
    unsigned char* bytes = gather(iov, count, 0, (size_t)result);
    find_marks(bytes, (size_t)result, 0, &marks);
    free(bytes);
  }
  int size = sprintf(line, "W %lu %lu %lu %d %zd ", start, now(), files[fd].ino, files[fd].dsync, result);
  size += print_numbers(line + size, &marks);
  line[size++] = '\n';
  write_line(line, size);
}

static void log_sync(unsigned long ino, unsigned long start, int result) {
  char line[128];
  write_line(line, sprintf(line, "S %lu %lu %lu %d\n", start, now(), ino, result));
}

static void log_send(int fd, unsigned long start, ssize_t result, const struct iovec* iov, int count) {
  static __thread struct numbers marks, ids;
  static __thread char line[kLine];
  if (result <= 0 || fd < 0 || fd >= kFds) return;
  marks.count = ids.count = 0;
  pthread_mutex_lock(&tails_lock);
  size_t head = tails[fd].size, size = head + (size_t)result;
  unsigned char* bytes = gather(iov, count, head, (size_t)result);
  memcpy(bytes, tails[fd].bytes, head);
  find_marks(bytes, size, head, &marks);
  find_ids(bytes, size, head, &ids);
  tails[fd].size = size < kTail ? size : kTail;
  memcpy(tails[fd].bytes, bytes + size - tails[fd].size, tails[fd].size);
  pthread_mutex_unlock(&tails_lock);
  free(bytes);
  if (marks.count == 0 && ids.count == 0) return;
  int length = sprintf(line, "N %lu %lu %d %zd ", start, now(), fd, result);
  length += print_numbers(line + length, &ids);
  line[length++] = ' ';
  length += print_numbers(line + length, &marks);
  line[length++] = '\n';
  write_line(line, length);
}

static int is_data(int fd) { return fd >= 0 && fd < kFds && files[fd].ino != 0; }

static int is_socket(int fd) {
  struct stat st;
  int kept = errno, socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
  errno = kept;
  return socket;
}

static int note_open(int fd, const char* path, int flags) {
  struct stat st;
  int kept = errno;
  if (fd >= 0 && fd < kFds) {
    size_t size = strlen(path);
    int data = size > 4 && strcmp(path + size - 4, ".mdb") == 0 && strstr(path, "lock.mdb") == NULL;
    files[fd].ino = data && fstat(fd, &st) == 0 ? st.st_ino : 0;
    files[fd].dsync = (flags & O_DSYNC) != 0;  // O_SYNC holds O_DSYNC
    tails[fd].size = 0;
  }
  errno = kept;
  return fd;
}

// ---- what is interposed

#define OPEN_BODY(name, ...) \
  va_list more; \
  va_start(more, flags); \
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
  va_end(more); \
  REAL(name); \
  return note_open(real(__VA_ARGS__, mode), path, flags)

int open(const char* path, int flags, ...) { OPEN_BODY(open, path, flags); }
int open64(const char* path, int flags, ...) { OPEN_BODY(open64, path, flags); }
int openat(int dir, const char* path, int flags, ...) { OPEN_BODY(openat, dir, path, flags); }
int openat64(int dir, const char* path, int flags, ...) { OPEN_BODY(openat64, dir, path, flags); }

int socket(int domain, int type, int protocol) {
  REAL(socket);
  return note_open(real(domain, type, protocol), "", 0);
}
int accept4(int fd, struct sockaddr* address, socklen_t* size, int flags) {
  REAL(accept4);
  return note_open(real(fd, address, size, flags), "", 0);
}
int accept(int fd, struct sockaddr* address, socklen_t* size) {
  REAL(accept);
  return note_open(real(fd, address, size), "", 0);
}
int close(int fd) {
  REAL(close);
  if (fd >= 0 && fd < kFds) files[fd].ino = 0;
  return real(fd);
}

#define WRITE_BODY(name, iov, count, ...) \
  REAL(name); \
  unsigned long start = now(); \
  ssize_t result = real(__VA_ARGS__); \
  int kept = errno; \
  if (is_data(fd)) log_write(fd, start, result, iov, count); \
  else if (is_socket(fd)) log_send(fd, start, result, iov, count); \
  errno = kept; \
  return result

ssize_t write(int fd, const void* bytes, size_t size) {
  struct iovec one = {(void*)bytes, size};
  WRITE_BODY(write, &one, 1, fd, bytes, size);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  struct iovec one = {(void*)bytes, size};
  WRITE_BODY(pwrite, &one, 1, fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  struct iovec one = {(void*)bytes, size};
  WRITE_BODY(pwrite64, &one, 1, fd, bytes, size, at);
}
ssize_t writev(int fd, const struct iovec* iov, int count) { WRITE_BODY(writev, iov, count, fd, iov, count); }
ssize_t pwritev(int fd, const struct iovec* iov, int count, off_t at) {
  WRITE_BODY(pwritev, iov, count, fd, iov, count, at);
}
ssize_t pwritev64(int fd, const struct iovec* iov, int count, off64_t at) {
  WRITE_BODY(pwritev64, iov, count, fd, iov, count, at);
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  struct iovec one = {(void*)bytes, size};
  WRITE_BODY(send, &one, 1, fd, bytes, size, flags);
}
ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const struct sockaddr* to, socklen_t to_size) {
  struct iovec one = {(void*)bytes, size};
  WRITE_BODY(sendto, &one, 1, fd, bytes, size, flags, to, to_size);
}
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  WRITE_BODY(sendmsg, message->msg_iov, (int)message->msg_iovlen, fd, message, flags);
}

#define SYNC_BODY(name, ino, ...) \
  REAL(name); \
  unsigned long start = now(); \
  int result = real(__VA_ARGS__); \
  int kept = errno; \
  log_sync(ino, start, result); \
  errno = kept; \
  return result

int fdatasync(int fd) { SYNC_BODY(fdatasync, is_data(fd) ? files[fd].ino : 1, fd); }
int fsync(int fd) { SYNC_BODY(fsync, is_data(fd) ? files[fd].ino : 1, fd); }
int msync(void* address, size_t size, int flags) { SYNC_BODY(msync, 0, address, size, flags); }
