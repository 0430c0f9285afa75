// XXH3 with seed 0 over bytes: content hashes, checksums, the chain. Detects accidents, not attackers.
#pragma once

#include <cstdint>
#include <string_view>

namespace prismbus {

[[nodiscard]] std::uint64_t xxh3_64(std::string_view bytes);

struct Hash128 {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};
[[nodiscard]] Hash128 xxh3_128(std::string_view bytes);

}  // namespace prismbus
