// A log of transactions in a file, one JSON object a line, as `import-log` reads it:
//   {"changes": [{"key": "a", "op": "put", "value": 1}, {"key": "b", "op": "delete"}], "time"?, "note"?}
// `del` is `delete` too. `time` is text, kept as the note when there is no `note`: the broker gives its
// transactions their own time. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/json/value.hpp"
#include "publisher/command/failure.hpp"
#include "publisher/transaction.hpp"

namespace prismbus::command {

struct LoggedChange {
  std::string key;
  std::optional<Value> value;  // nullopt = a delete
};
struct LoggedTransaction {
  std::size_t line = 0;  // from 1
  std::vector<LoggedChange> changes;
  std::optional<std::string> note;
};

// The lines of `text` that are not blank, lent, with their numbers. A last line without a line feed counts.
struct LogLineText {
  std::size_t number = 0;
  std::string_view text;
};
[[nodiscard]] std::vector<LogLineText> log_lines(std::string_view text);

// Exit::usage as "name:line:column: what": half a line, an unknown field, no changes, a key twice, a put
// without a value, a bad key, a note over 1 KiB.
[[nodiscard]] Outcome<LoggedTransaction> parse_log_line(std::string_view name, const LogLineText& line);

[[nodiscard]] Transaction to_transaction(std::string_view ns, const LoggedTransaction& logged);

}  // namespace prismbus::command
