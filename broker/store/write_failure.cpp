// The failure table, in code.
#include "broker/store/write_failure.hpp"

#include <sys/statvfs.h>

#include <cerrno>

namespace prismbus {
namespace {

// A write cut short leaves less than a page, or a few reserved blocks, behind.
constexpr std::uint64_t kFullBelowBytes = 1u << 20;

}  // namespace

bool file_system_is_full(const lmdb::Env& env) {
  int fd = -1;
  struct statvfs fs {};
  if (mdb_env_get_fd(env.get(), &fd) != 0 || fstatvfs(fd, &fs) != 0) return false;
  return std::uint64_t{fs.f_bavail} * fs.f_frsize < kFullBelowBytes;
}

AppendFailure append_failure(const lmdb::Env& env, const lmdb::Fault& fault) {
  if (fault.outcome_unknown || fault.code == MDB_PANIC) return AppendFailure::unknown;
  switch (fault.code) {
    case ENOSPC:
    case EDQUOT:
      return AppendFailure::no_space;
    case MDB_MAP_FULL:
      return AppendFailure::map_full;
    case EIO:
      return file_system_is_full(env) ? AppendFailure::no_space : AppendFailure::io;
    default:
      return AppendFailure::io;
  }
}

FoldFailure fold_failure(const lmdb::Env& env, const lmdb::Fault& fault) {
  switch (append_failure(env, fault)) {
    case AppendFailure::no_space:
      return FoldFailure::no_space;
    case AppendFailure::map_full:
      return FoldFailure::map_full;
    case AppendFailure::io:
      return FoldFailure::io;
    case AppendFailure::unknown:
      break;
  }
  return FoldFailure::unknown;
}

Error open_error(std::string_view what, const lmdb::Fault& fault) {
  Error error;
  error.code = ErrorCode::unavailable;
  error.message = std::string(what) + ": " + lmdb::describe(fault);
  return error;
}

Error read_error(std::string_view what, const lmdb::Fault& fault) {
  Error error;
  error.code = ErrorCode::internal;
  error.message = std::string(what) + ": " + lmdb::describe(fault);
  return error;
}

}  // namespace prismbus
