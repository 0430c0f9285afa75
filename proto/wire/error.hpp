// The one table of errors: number, name on the wire, HTTP status, whether a repeat may help, what it means.
// Codes and names are stable. proto/PROTOCOL.md prints the same table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/result.hpp"

namespace prismbus {

enum class ErrorCode : std::uint8_t {
  invalid_argument = 1,
  unauthenticated,
  permission_denied,
  not_found,
  conflict,
  compacted,
  other_history,
  too_large,
  rejected,
  overloaded,
  internal,
  unsupported,
  unavailable,
  timeout,
  read_only,
};

enum class Retry : std::uint8_t {
  no,
  after_hello,
  after_reread,
  after_snapshot,
  after_delay,
  with_request_id,
  later
};

struct ErrorRow {
  ErrorCode code;
  std::string_view name;
  int http_status;
  Retry retry;
  std::string_view meaning;
};

inline constexpr std::array<ErrorRow, 15> kErrorTable{{
    {ErrorCode::invalid_argument, "invalid_argument", 400, Retry::no, "malformed; `field` names where"},
    {ErrorCode::unauthenticated, "unauthenticated", 401, Retry::after_hello,
     "no token, a bad or an expired one"},
    {ErrorCode::permission_denied, "permission_denied", 403, Retry::no,
     "not allowed; says nothing about existence"},
    {ErrorCode::not_found, "not_found", 404, Retry::no, "no such key at that revision"},
    {ErrorCode::conflict, "conflict", 409, Retry::after_reread,
     "a compare failed; `ns`, `key`, `rev` are its present ones"},
    {ErrorCode::compacted, "compacted", 410, Retry::after_snapshot, "history below `floor` is gone"},
    {ErrorCode::other_history, "other_history", 410, Retry::after_snapshot, "the epoch is another one"},
    {ErrorCode::too_large, "too_large", 413, Retry::no, "over a limit; `limit` and `size`"},
    {ErrorCode::rejected, "rejected", 422, Retry::no,
     "a schema or a guard refused the value; `path`, `reason`"},
    {ErrorCode::overloaded, "overloaded", 429, Retry::after_delay,
     "a queue is full, nothing was done; `retry_after_ms`"},
    {ErrorCode::internal, "internal", 500, Retry::with_request_id,
     "a defect of the broker; logged with `incident`"},
    {ErrorCode::unsupported, "unsupported", 501, Retry::no,
     "unknown `op`, or an option not served here; `field`"},
    {ErrorCode::unavailable, "unavailable", 503, Retry::with_request_id,
     "not caught up, or stopping; nothing was done"},
    {ErrorCode::timeout, "timeout", 504, Retry::with_request_id, "the outcome is unknown"},
    {ErrorCode::read_only, "read_only", 507, Retry::later, "no space, or the store stopped taking writes"},
}};

[[nodiscard]] const ErrorRow& error_row(ErrorCode code);
[[nodiscard]] std::optional<ErrorCode> error_code_named(std::string_view name);

// What went wrong and the fields that come with its code; unset ones are left out on the wire.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::optional<std::string> field;             // invalid_argument, unsupported: path of the offending field
  std::optional<std::string> ns, key;           // conflict; not_found in a txn
  std::optional<std::uint64_t> rev;             // conflict: the key's present revision, 0 = absent
  std::optional<std::uint64_t> index;           // txn: which item of `do` or `if`
  std::optional<std::uint64_t> floor;           // compacted
  std::optional<std::uint64_t> limit, size;     // too_large
  std::optional<std::uint64_t> retry_after_ms;  // overloaded
  std::optional<std::string> path, reason;      // rejected
  std::optional<std::string> incident;          // internal

  friend bool operator==(const Error&, const Error&) = default;
};

[[nodiscard]] inline Error error_of(ErrorCode code, std::string message) {
  Error e;
  e.code = code;
  e.message = std::move(message);
  return e;
}
[[nodiscard]] inline Error overloaded(std::string message, std::uint64_t retry_after_ms) {
  Error e = error_of(ErrorCode::overloaded, std::move(message));
  e.retry_after_ms = retry_after_ms;
  return e;
}
[[nodiscard]] inline Error unsupported(std::string field, std::string message) {
  Error e = error_of(ErrorCode::unsupported, std::move(message));
  e.field = std::move(field);
  return e;
}
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(error_of(code, std::move(message)));
}
[[nodiscard]] inline tl::unexpected<Error> fail_field(std::string field, std::string message) {
  Error e;
  e.code = ErrorCode::invalid_argument;
  e.message = std::move(message);
  e.field = std::move(field);
  return tl::unexpected<Error>(std::move(e));
}
// too_large with its limit and the size found, at `field`.
[[nodiscard]] Error over_limit(std::string field, std::string message, std::uint64_t limit,
                               std::uint64_t size);
// "prefix: message": context added on the way up.
[[nodiscard]] Error in_context(std::string_view prefix, Error error);

}  // namespace prismbus
