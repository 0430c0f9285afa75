// What `keys` answers: keys of the sealed stream (PROTOCOL section 9). Secret: never logged, never in an
// error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace prismbus {

inline constexpr std::size_t kStreamKeyBytes = 32;

struct StreamKeyRow {
  std::string ns;            // "" with `node`: everything but the broker's own
  bool node = false;         // opens ns and everything below; else ns alone
  std::uint64_t period = 0;  // generation << 40 | minute
  std::string key;           // kStreamKeyBytes
  friend bool operator==(const StreamKeyRow&, const StreamKeyRow&) = default;
};

struct KeysReply {
  std::uint64_t period = 0;  // the current one
  std::uint64_t ends_in_ms = 0;
  std::vector<StreamKeyRow> keys;
  bool more = false;
  std::optional<std::string> after;
};

}  // namespace prismbus
