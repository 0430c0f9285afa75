#include "perf/raw_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "proto/base/bytes.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMapBytes = std::size_t{16} << 30;  // address space, not disk

MDB_val as_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

}  // namespace

Result<RawLog, std::string> RawLog::open(const std::string& dir) {
  std::filesystem::create_directories(dir);
  RawLog log;
  MDB_txn* txn = nullptr;
  int rc = mdb_env_create(&log.env_);
  if (rc == 0) rc = mdb_env_set_maxdbs(log.env_, 2);
  if (rc == 0) rc = mdb_env_set_mapsize(log.env_, kMapBytes);
  if (rc == 0) rc = mdb_env_open(log.env_, dir.c_str(), MDB_NOTLS, 0600);
  if (rc == 0) rc = mdb_txn_begin(log.env_, nullptr, 0, &txn);
  if (rc == 0) rc = mdb_dbi_open(txn, "log", MDB_CREATE, &log.log_);
  if (rc == 0) rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &log.meta_);
  if (rc == 0) rc = mdb_txn_commit(txn);
  if (rc != 0) return tl::unexpected(dir + ": " + mdb_strerror(rc));
  return log;
}

RawLog::RawLog(RawLog&& other) noexcept
    : env_(other.env_), log_(other.log_), meta_(other.meta_), last_(other.last_) {
  other.env_ = nullptr;
}

RawLog::~RawLog() {
  if (env_ != nullptr) mdb_env_close(env_);
}

bool RawLog::append(std::string_view record, std::size_t count) {
  MDB_txn* txn = nullptr;
  if (mdb_txn_begin(env_, nullptr, 0, &txn) != 0) return false;
  char key_bytes[8];
  MDB_val key{sizeof(key_bytes), key_bytes};
  int rc = 0;
  for (std::size_t i = 0; i < count && rc == 0; ++i) {
    store_be64(key_bytes, ++last_);
    MDB_val value = as_val(record);
    rc = mdb_put(txn, log_, &key, &value, MDB_APPEND);
  }
  MDB_val name = as_val("last"), last = key;
  if (rc == 0) rc = mdb_put(txn, meta_, &name, &last, 0);
  if (rc == 0) return mdb_txn_commit(txn) == 0;
  mdb_txn_abort(txn);
  return false;
}

Result<DiskFigures, std::string> measure_fdatasync(const std::string& dir, std::chrono::milliseconds time) {
  const std::string path = dir + "/fdatasync", page(4096, 'x');
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return tl::unexpected(path + " cannot be made");
  DiskFigures figures;
  const auto start = Clock::now();
  auto before = start;
  bool fine = true;
  // The file grows by a page a time, as a log does.
  while (fine && before - start < time) {
    fine = ::write(fd, page.data(), page.size()) == static_cast<ssize_t>(page.size()) && ::fdatasync(fd) == 0;
    const auto after = Clock::now();
    figures.commits.record(after - before);
    ++figures.records;
    before = after;
  }
  figures.seconds = std::chrono::duration<double>(before - start).count();
  ::close(fd);
  std::filesystem::remove(path);
  if (!fine) return tl::unexpected(path + " cannot be written");
  return figures;
}

Result<DiskFigures, std::string> measure_append(const std::string& dir, std::size_t record_bytes,
                                                std::size_t per_commit, std::chrono::milliseconds time) {
  const std::string path = dir + "/append-" + std::to_string(per_commit), record(record_bytes, 'x');
  auto log = RawLog::open(path);
  if (!log) return tl::unexpected(log.error());
  DiskFigures figures;
  const auto start = Clock::now();
  auto before = start;
  while (before - start < time) {
    if (!log->append(record, per_commit)) return tl::unexpected(path + ": an append failed");
    const auto after = Clock::now();
    figures.commits.record(after - before);
    figures.records += per_commit;
    before = after;
  }
  figures.seconds = std::chrono::duration<double>(before - start).count();
  std::filesystem::remove_all(path);
  return figures;
}

}  // namespace prismbus::perf
