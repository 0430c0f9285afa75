// The opaque `after` of pages: where a page ended, and the epoch and revision it was read at. It comes back
// as input like any other: decode is total, and what it holds was shown to its reader already.
//
//   token = version:1 (1)  kind:1  epoch:8  rev:8  n:8  ns_size:1  ns  key      key: to the end; big-endian
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/wire/messages.hpp"

namespace prismbus {

enum class CursorKind : char {
  list = 'l',
  list_at = 'L',
  mget = 'm',
  mget_at = 'M',
  history = 'h',
  diff = 'd',
  namespaces = 'n',
  snapshot = 's',
  changes = 'c',
  changes_under = 'u',
  subscribers = 'w',
  keys = 'k',
  audit = 'a'
};

struct CursorToken {
  CursorKind kind = CursorKind::list;
  Epoch epoch;
  Revision rev;         // the page's, a later page is not older; of the past: the one that is read
  std::uint64_t n = 0;  // index, seq or revision, by kind
  std::string ns, key;
};

[[nodiscard]] std::string encode_cursor(const CursorToken& cursor);
// Errors: invalid_argument field `after` (no token, or of another op), other_history (another epoch),
// unavailable (this broker is behind the page before).
[[nodiscard]] Result<CursorToken> decode_cursor(std::string_view bytes, CursorKind kind, Epoch epoch,
                                                Revision at);
// Likewise of a request that may have none: nullopt.
[[nodiscard]] Result<std::optional<CursorToken>> cursor_of(const std::optional<std::string_view>& after,
                                                           CursorKind kind, Epoch epoch, Revision at);

}  // namespace prismbus
