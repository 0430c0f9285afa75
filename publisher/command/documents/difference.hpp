// What an import would change: the keys of a document against the keys of a namespace. Pure, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/strong.hpp"
#include "publisher/command/documents/flatten.hpp"

namespace prismbus::command {

struct Current {  // what the broker holds under a key
  Value value;
  Revision rev;
};

enum class DifferenceKind : std::uint8_t { added, changed, removed };

struct Difference {
  DifferenceKind kind = DifferenceKind::added;
  std::string key;
  std::optional<Value> before, after;
  Revision rev;  // the broker's, to write only on top of what was compared; 0 = it is not there
};

// In key order. Equal values are left out; `removed` = all that `wanted` lacks.
[[nodiscard]] std::vector<Difference> compare(const std::map<std::string, Current>& current,
                                              const KeyValues& wanted);

}  // namespace prismbus::command
