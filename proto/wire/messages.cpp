#include "proto/wire/messages.hpp"

#include <array>
#include <cstring>

#include "proto/base/bytes.hpp"
#include "proto/base/hash.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {

std::uint64_t entry_hash(std::string_view key, Revision rev) {
  std::array<char, limits::kKeyBytes + 9> near;
  if (key.size() <= limits::kKeyBytes) {
    std::memcpy(near.data(), key.data(), key.size());
    near[key.size()] = '\0';
    store_be64(near.data() + key.size() + 1, rev.value());
    return xxh3_64({near.data(), key.size() + 9});
  }
  std::string bytes(key);
  bytes.push_back('\0');
  append_be64(bytes, rev.value());
  return xxh3_64(bytes);
}

LimitsInForce default_limits() {
  return {.ns_bytes = limits::kNsBytes,
          .key_bytes = limits::kKeyBytes,
          .value_bytes = limits::kValueBytes,
          .value_depth = limits::kValueDepth,
          .txn_changes = limits::kTxnChanges,
          .txn_bytes = limits::kTxnBytes,
          .message_bytes = limits::kMessageBytes,
          .note_bytes = limits::kNoteBytes,
          .session_writes = limits::kSessionWrites,
          .sessions = limits::kSessions};
}

}  // namespace prismbus
