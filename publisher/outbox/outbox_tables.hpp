// The rows of the outbox's tables and the errors of its disk: what writing (outbox_store.cpp) and reading
// (outbox_store_read.cpp) share. One thread.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/bytes.hpp"
#include "proto/base/lmdb.hpp"
#include "proto/wire/error.hpp"

namespace prismbus::outbox_tables {

inline constexpr std::string_view kFormatKey = "format", kFormat = "1", kStateKey = "state";
inline constexpr unsigned char kMerged = 1, kCalled = 2, kGone = 4;  // flags of a row of `own`
inline constexpr std::size_t kOwnBytes = 17;                         // before what was called

[[nodiscard]] inline std::string key_of(std::uint64_t id) {
  std::string out;
  append_be64(out, id);
  return out;
}
[[nodiscard]] inline std::string own_key(std::string_view ns, std::string_view key) {
  std::string out(ns);
  out += '\0';
  return out.append(key);
}

[[nodiscard]] inline Error store_error(const lmdb::Fault& fault) {
  const std::string text = "the outbox: " + lmdb::describe(fault);
  if (fault.outcome_unknown) return error_of(ErrorCode::timeout, text);
  if (fault.code == MDB_MAP_FULL) return overloaded(text, 1000);
  if (fault.code == ENOSPC || fault.code == EDQUOT || fault.code == EIO) {
    return error_of(ErrorCode::read_only, text);
  }
  return error_of(ErrorCode::unavailable, text);
}
[[nodiscard]] inline tl::unexpected<Error> refused(const lmdb::Fault& fault) {
  return tl::unexpected<Error>(store_error(fault));
}

template <class Visit>
[[nodiscard]] lmdb::Outcome<void> walk(MDB_txn* txn, lmdb::Dbi table, std::string_view from, Visit visit) {
  auto cursor = lmdb::Cursor::open(txn, table);
  if (!cursor) return tl::unexpected<lmdb::Fault>(cursor.error());
  auto pair = cursor->seek(from);
  while (pair && *pair) {
    if (!visit((*pair)->key, (*pair)->value)) return {};
    pair = cursor->next();
  }
  if (!pair) return tl::unexpected<lmdb::Fault>(pair.error());
  return {};
}

}  // namespace prismbus::outbox_tables
