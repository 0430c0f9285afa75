// A log of change sets as exchanges publish them: one JSON object a line,
// {"time": ISO-8601, "changes": [{"key", "op": "put" | "del", "value"}]}. Values become MessagePack.
#pragma once

#include <string>
#include <vector>

#include "publisher/transaction.hpp"

namespace prismbus::example {

struct LoggedChange {
  bool removes = false;
  std::string key;
  EncodedValue value;
};
using LoggedSet = std::vector<LoggedChange>;  // one transaction

// Errors: invalid_argument with the line, unavailable when the file cannot be read.
[[nodiscard]] Result<std::vector<LoggedSet>> read_change_log(const std::string& path);

}  // namespace prismbus::example
