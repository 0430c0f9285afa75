// RAII over LMDB: flags, return codes and the fault points of tests. No policy: what a code means is its
// caller's.
#include "proto/base/lmdb.hpp"

#include <sys/types.h>

#include <utility>

#include "proto/base/assert.hpp"
#include "proto/base/lmdb_lock_file.hpp"

namespace prismbus::lmdb {
namespace {

constexpr mode_t kFileMode = 0600;

MDB_val lend(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
std::string_view view(const MDB_val& v) {
  return {static_cast<const char*>(v.mv_data), v.mv_size};
}
unexpected<Fault> fault(int code, const char* where) {
  return unexpected<Fault>(Fault{code, where});
}

}  // namespace

std::string describe(const Fault& fault) {
  std::string text = fault.where;
  text += ": ";
  text += mdb_strerror(fault.code);
  text += " (" + std::to_string(fault.code) + ")";
  if (fault.outcome_unknown) text += ", outcome unknown";
  return text;
}

// ---- environment

Outcome<std::shared_ptr<Env>> Env::open(const std::string& dir, const Options& options) {
  std::shared_ptr<Env> env(new Env());
  env->faults_ = options.faults;
  if (const int rc = mdb_env_create(&env->env_); rc != 0) return fault(rc, "mdb_env_create");
  if (const int rc = mdb_env_set_mapsize(env->env_, options.map_bytes); rc != 0)
    return fault(rc, "mdb_env_set_mapsize");
  if (const int rc = mdb_env_set_maxdbs(env->env_, options.max_dbs); rc != 0)
    return fault(rc, "mdb_env_set_maxdbs");
  if (const int rc = mdb_env_set_maxreaders(env->env_, options.max_readers); rc != 0) {
    return fault(rc, "mdb_env_set_maxreaders");
  }
  if (const int rc = allocate_lock_file(dir, options.max_readers); rc != 0) return fault(rc, "lock.mdb");
  // Default sync always; NOTLS ties a reader's slot to its transaction object instead of its thread.
  unsigned flags = MDB_NOTLS;
  if (options.read_only) flags |= MDB_RDONLY;
  if (options.unsafe_no_sync) flags |= MDB_NOSYNC;
  if (const int rc = mdb_env_open(env->env_, dir.c_str(), flags, kFileMode); rc != 0)
    return fault(rc, "mdb_env_open");
  return env;
}

Env::~Env() {
  if (env_ != nullptr) mdb_env_close(env_);
}

void Env::check_readers() const {
  int dead = 0;
  // A failure here only means that the slots of dead processes stay taken until the next check.
  [[maybe_unused]] const int rc = mdb_reader_check(env_, &dead);
}

// ---- read transaction

ReadTxn::~ReadTxn() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

ReadTxn::ReadTxn(ReadTxn&& other) noexcept
    : env_(std::move(other.env_)),
      txn_(std::exchange(other.txn_, nullptr)),
      live_(std::exchange(other.live_, false)) {}

ReadTxn& ReadTxn::operator=(ReadTxn&& other) noexcept {
  if (this == &other) return *this;
  if (txn_ != nullptr) mdb_txn_abort(txn_);
  env_ = std::move(other.env_);
  txn_ = std::exchange(other.txn_, nullptr);
  live_ = std::exchange(other.live_, false);
  return *this;
}

Outcome<void> ReadTxn::renew() {
  PRISMBUS_ASSERT(env_ != nullptr, "a read transaction belongs to an environment");
  release();
  if (env_->poisoned()) return fault(MDB_PANIC, "mdb_txn_renew");
  if (txn_ == nullptr) {
    if (const int rc = mdb_txn_begin(env_->get(), nullptr, MDB_RDONLY, &txn_); rc != 0) {
      txn_ = nullptr;
      return fault(rc, "mdb_txn_begin");
    }
  } else if (const int rc = mdb_txn_renew(txn_); rc != 0) {
    return fault(rc, "mdb_txn_renew");
  }
  live_ = true;
  return {};
}

void ReadTxn::release() {
  if (live_) mdb_txn_reset(txn_);
  live_ = false;
}

// ---- write transaction

Outcome<WriteTxn> WriteTxn::begin(const std::shared_ptr<Env>& env) {
  if (env->poisoned()) return fault(MDB_PANIC, "mdb_txn_begin");
  if (const int rc = env->fault_at(DiskFaults::Point::begin); rc != 0) return fault(rc, "mdb_txn_begin");
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env->get(), nullptr, 0, &txn); rc != 0) return fault(rc, "mdb_txn_begin");
  return WriteTxn(env, txn);
}

WriteTxn::~WriteTxn() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

WriteTxn::WriteTxn(WriteTxn&& other) noexcept
    : env_(std::move(other.env_)), txn_(std::exchange(other.txn_, nullptr)) {}

Outcome<void> WriteTxn::put(Dbi dbi, std::string_view key, std::string_view value, unsigned flags) {
  if (const int rc = env_->fault_at(DiskFaults::Point::put); rc != 0) return fault(rc, "mdb_put");
  MDB_val k = lend(key);
  MDB_val v = lend(value);
  if (const int rc = mdb_put(txn_, dbi, &k, &v, flags); rc != 0) return fault(rc, "mdb_put");
  return {};
}

Outcome<void> WriteTxn::put(Cursor& at, std::string_view key, std::string_view value, unsigned flags) {
  if (const int rc = env_->fault_at(DiskFaults::Point::put); rc != 0) return fault(rc, "mdb_cursor_put");
  MDB_val k = lend(key);
  MDB_val v = lend(value);
  if (const int rc = mdb_cursor_put(at.cursor_, &k, &v, flags); rc != 0) return fault(rc, "mdb_cursor_put");
  return {};
}

Outcome<void> WriteTxn::erase(Dbi dbi, std::string_view key) {
  if (const int rc = env_->fault_at(DiskFaults::Point::put); rc != 0) return fault(rc, "mdb_del");
  MDB_val k = lend(key);
  const int rc = mdb_del(txn_, dbi, &k, nullptr);
  if (rc != 0 && rc != MDB_NOTFOUND) return fault(rc, "mdb_del");
  return {};
}

Outcome<void> WriteTxn::commit() {
  if (const int rc = env_->fault_at(DiskFaults::Point::commit); rc != 0) {
    mdb_txn_abort(std::exchange(txn_, nullptr));
    return fault(rc, "mdb_txn_commit");
  }
  if (const int rc = mdb_txn_commit(std::exchange(txn_, nullptr)); rc != 0) {
    // Whatever the code: if the page that makes a commit visible was being written when it failed, LMDB
    // condemns the environment, and only a new transaction tells.
    MDB_txn* probe = nullptr;
    const int again = mdb_txn_begin(env_->get(), nullptr, 0, &probe);
    if (again == 0) mdb_txn_abort(probe);
    return unexpected<Fault>(Fault{rc, "mdb_txn_commit", again == MDB_PANIC});
  }
  if (const int rc = env_->fault_at(DiskFaults::Point::commit_unknown); rc != 0) {
    env_->poison();
    return unexpected<Fault>(Fault{rc, "mdb_txn_commit", true});
  }
  return {};
}

// ---- tables and cursors

Outcome<Dbi> open_dbi(MDB_txn* txn, const char* name, bool create) {
  Dbi dbi = 0;
  if (const int rc = mdb_dbi_open(txn, name, create ? unsigned{MDB_CREATE} : 0U, &dbi); rc != 0) {
    return fault(rc, "mdb_dbi_open");
  }
  return dbi;
}

Outcome<std::optional<std::string_view>> get(MDB_txn* txn, Dbi dbi, std::string_view key) {
  MDB_val k = lend(key);
  MDB_val v{};
  const int rc = mdb_get(txn, dbi, &k, &v);
  if (rc == MDB_NOTFOUND) return std::optional<std::string_view>();
  if (rc != 0) return fault(rc, "mdb_get");
  return std::optional(view(v));
}

Outcome<Cursor> Cursor::open(MDB_txn* txn, Dbi dbi) {
  MDB_cursor* cursor = nullptr;
  if (const int rc = mdb_cursor_open(txn, dbi, &cursor); rc != 0) return fault(rc, "mdb_cursor_open");
  return Cursor(cursor);
}

Cursor::~Cursor() {
  if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

Cursor::Cursor(Cursor&& other) noexcept : cursor_(std::exchange(other.cursor_, nullptr)) {}

Outcome<std::optional<Cursor::Pair>> Cursor::move(MDB_cursor_op op, std::string_view from) {
  MDB_val k = lend(from);
  MDB_val v{};
  const int rc = mdb_cursor_get(cursor_, &k, &v, op);
  if (rc == MDB_NOTFOUND) return std::optional<Pair>();
  if (rc != 0) return fault(rc, "mdb_cursor_get");
  return std::optional(Pair{view(k), view(v)});
}

Outcome<std::optional<std::string_view>> Cursor::find(std::string_view key) {
  const auto found = move(MDB_SET_KEY, key);
  if (!found) return unexpected<Fault>(found.error());
  return *found ? std::optional((*found)->value) : std::nullopt;
}

Outcome<std::optional<Cursor::Pair>> Cursor::seek(std::string_view at_or_after) {
  // LMDB refuses to look for an empty key; everything is at or after it.
  return at_or_after.empty() ? move(MDB_FIRST, {}) : move(MDB_SET_RANGE, at_or_after);
}
Outcome<std::optional<Cursor::Pair>> Cursor::next() {
  return move(MDB_NEXT, {});
}
Outcome<std::optional<Cursor::Pair>> Cursor::previous() {
  return move(MDB_PREV, {});
}
Outcome<std::optional<Cursor::Pair>> Cursor::last() {
  return move(MDB_LAST, {});
}

}  // namespace prismbus::lmdb
