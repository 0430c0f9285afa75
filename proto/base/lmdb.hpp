// RAII over LMDB 0.9.24, and the one place where disk faults enter in tests. Return codes are LMDB's (0 =
// fine, < 0 its own, > 0 errno). Every function here reports all of them; callers map them.
#pragma once

#include <lmdb.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/result.hpp"

namespace prismbus::lmdb {

using Dbi = MDB_dbi;
struct Fault {
  int code = 0;
  const char* where = "";  // the operation, for messages
  bool outcome_unknown =
      false;  // a commit whose meta write failed: it may be there; the environment is condemned
};
[[nodiscard]] std::string describe(const Fault& fault);
template <class T>
using Outcome = Result<T, Fault>;

// Tests answer a non-zero code to make an operation fail before it reaches LMDB. commit_unknown: after it
// did; the environment then answers MDB_PANIC to every new transaction, as LMDB's own does when its meta
// write failed.
class DiskFaults {
 public:
  enum class Point : std::uint8_t { begin, put, commit, commit_unknown };
  virtual ~DiskFaults() = default;
  virtual int at(Point point) = 0;
};

class Env {
 public:
  struct Options {
    std::size_t map_bytes = 0;
    unsigned max_dbs = 8, max_readers = 126;
    bool read_only = false;
    bool unsafe_no_sync = false;  // only for the canary build that proves the durability test works
    DiskFaults* faults = nullptr;
  };
  [[nodiscard]] static Outcome<std::shared_ptr<Env>> open(const std::string& dir, const Options& options);
  ~Env();
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;
  [[nodiscard]] MDB_env* get() const { return env_; }
  [[nodiscard]] int fault_at(DiskFaults::Point point) const {
    return faults_ == nullptr ? 0 : faults_->at(point);
  }
  [[nodiscard]] bool poisoned() const {
    return poisoned_.load(std::memory_order_relaxed);
  }  // by a commit_unknown
  void poison() { poisoned_.store(true, std::memory_order_relaxed); }
  void check_readers() const;  // frees the slots of dead processes

 private:
  Env() = default;
  MDB_env* env_ = nullptr;
  DiskFaults* faults_ = nullptr;
  std::atomic<bool> poisoned_{false};
};

// A read transaction that can be renewed; get() is null while it holds no snapshot.
class ReadTxn {
 public:
  ReadTxn() = default;
  explicit ReadTxn(std::shared_ptr<Env> env) : env_(std::move(env)) {}
  ~ReadTxn();
  ReadTxn(ReadTxn&& other) noexcept;
  ReadTxn& operator=(ReadTxn&& other) noexcept;
  [[nodiscard]] Outcome<void> renew();  // begins, or resets and renews
  void release();                       // keeps the slot, lets go of the snapshot
  [[nodiscard]] MDB_txn* get() const { return live_ ? txn_ : nullptr; }

 private:
  std::shared_ptr<Env> env_;
  MDB_txn* txn_ = nullptr;
  bool live_ = false;
};

class Cursor;

// A write transaction; aborted unless committed.
class WriteTxn {
 public:
  [[nodiscard]] static Outcome<WriteTxn> begin(const std::shared_ptr<Env>& env);
  ~WriteTxn();
  WriteTxn(WriteTxn&& other) noexcept;
  WriteTxn& operator=(WriteTxn&&) = delete;
  [[nodiscard]] MDB_txn* get() const { return txn_; }
  [[nodiscard]] Outcome<void> put(Dbi dbi, std::string_view key, std::string_view value, unsigned flags = 0);
  // The same through a cursor, which saves the descent when it stands near: where its find() just was.
  [[nodiscard]] Outcome<void> put(Cursor& at, std::string_view key, std::string_view value,
                                  unsigned flags = 0);
  [[nodiscard]] Outcome<void> erase(Dbi dbi, std::string_view key);  // what is not there is fine
  [[nodiscard]] Outcome<void> commit();

 private:
  WriteTxn(std::shared_ptr<Env> env, MDB_txn* txn) : env_(std::move(env)), txn_(txn) {}
  std::shared_ptr<Env> env_;
  MDB_txn* txn_ = nullptr;
};

[[nodiscard]] Outcome<Dbi> open_dbi(MDB_txn* txn, const char* name, bool create);
[[nodiscard]] Outcome<std::optional<std::string_view>> get(MDB_txn* txn, Dbi dbi, std::string_view key);

// Of a write transaction: closed before that ends.
class Cursor {
 public:
  [[nodiscard]] static Outcome<Cursor> open(MDB_txn* txn, Dbi dbi);
  ~Cursor();
  Cursor(Cursor&& other) noexcept;
  Cursor& operator=(Cursor&&) = delete;
  struct Pair {
    std::string_view key, value;
  };
  [[nodiscard]] Outcome<std::optional<std::string_view>> find(std::string_view key);  // exactly that one
  [[nodiscard]] Outcome<std::optional<Pair>> seek(std::string_view at_or_after);
  [[nodiscard]] Outcome<std::optional<Pair>> next();
  [[nodiscard]] Outcome<std::optional<Pair>> previous();
  [[nodiscard]] Outcome<std::optional<Pair>> last();

 private:
  explicit Cursor(MDB_cursor* cursor) : cursor_(cursor) {}
  [[nodiscard]] Outcome<std::optional<Pair>> move(MDB_cursor_op op, std::string_view from);
  friend class WriteTxn;
  MDB_cursor* cursor_ = nullptr;
};

}  // namespace prismbus::lmdb
