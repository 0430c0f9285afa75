// The exit codes of `prismbus`, in one table: scripts decide by them. Stable: a code keeps its meaning.
// `prismbus --help` prints this table. Plain data, any thread.
#pragma once

#include <array>
#include <string_view>

#include "proto/wire/error.hpp"

namespace prismbus::command {

enum class Exit : int {
  done = 0,
  failed = 1,
  usage = 2,
  unreachable = 3,
  not_found = 4,
  conflict = 5,
  denied = 6,
  too_large = 7,
  rejected = 8,
  try_later = 9,
  unknown_outcome = 10,
  gone = 11,
  unsupported = 12,
  file = 13,
  program = 14,
  not_applied = 15,
};

struct ExitRow {
  Exit code;
  std::string_view meaning;
};

inline constexpr std::array<ExitRow, 16> kExitTable{{
    {Exit::done, "done (import --dry-run: also when there are differences)"},
    {Exit::failed, "internal: a defect of the command or the broker"},
    {Exit::usage, "the command line, a document or a request is malformed; nothing was changed"},
    {Exit::unreachable, "no broker answered within --timeout; nothing was changed"},
    {Exit::not_found, "not_found: no such key, or nothing that was ever written"},
    {Exit::conflict, "conflict: --if-rev or a requirement did not hold; nothing was changed"},
    {Exit::denied, "unauthenticated, permission_denied"},
    {Exit::too_large, "too_large: over a limit; nothing was changed"},
    {Exit::rejected, "rejected: a schema or a guard refused the value; nothing was changed"},
    {Exit::try_later, "overloaded, unavailable, read_only: nothing was changed, the same may work later"},
    {Exit::unknown_outcome, "timeout: the write may or may not have been applied; look before repeating"},
    {Exit::gone, "compacted, other_history: what was asked for is no longer there"},
    {Exit::unsupported, "unsupported: this broker does not serve that"},
    {Exit::file, "a file could not be read or written"},
    {Exit::program, "watch --exec --exec-fail stop: the program failed"},
    {Exit::not_applied, "put --wait-applied: it is written, but not everybody has applied it"},
}};

[[nodiscard]] constexpr Exit exit_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return Exit::usage;
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied:
      return Exit::denied;
    case ErrorCode::not_found:
      return Exit::not_found;
    case ErrorCode::conflict:
      return Exit::conflict;
    case ErrorCode::compacted:
    case ErrorCode::other_history:
      return Exit::gone;
    case ErrorCode::too_large:
      return Exit::too_large;
    case ErrorCode::rejected:
      return Exit::rejected;
    case ErrorCode::overloaded:
    case ErrorCode::unavailable:
    case ErrorCode::read_only:
      return Exit::try_later;
    case ErrorCode::timeout:
      return Exit::unknown_outcome;
    case ErrorCode::unsupported:
      return Exit::unsupported;
    case ErrorCode::internal:
      break;
  }
  return Exit::failed;
}

}  // namespace prismbus::command
