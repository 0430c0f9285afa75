#include "proto/wire/error.hpp"

#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {

const ErrorRow& error_row(ErrorCode code) {
  const auto at = static_cast<std::size_t>(code) - 1;  // the table is in the order of the numbers, from 1
  PRISMBUS_ASSERT(at < kErrorTable.size() && kErrorTable[at].code == code, "every code has its row");
  return kErrorTable[at];
}

std::optional<ErrorCode> error_code_named(std::string_view name) {
  for (const auto& row : kErrorTable) {
    if (row.name == name) return row.code;
  }
  return std::nullopt;
}

Error in_context(std::string_view prefix, Error error) {
  std::string message;
  message.reserve(prefix.size() + 2 + error.message.size());
  message.append(prefix).append(": ").append(error.message);
  error.message = std::move(message);
  return error;
}

Error over_limit(std::string field, std::string message, std::uint64_t limit, std::uint64_t size) {
  Error e;
  e.code = ErrorCode::too_large;
  e.message = std::move(message);
  e.field = std::move(field);
  e.limit = limit;
  e.size = size;
  return e;
}

}  // namespace prismbus
