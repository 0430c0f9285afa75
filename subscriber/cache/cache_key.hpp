// The key of an encrypted cache, from a file of the user's: 64 hexadecimal digits and at most one line end,
// made by `(umask 077; openssl rand -hex 32 > cache.key)`. It stays in one block of memory that is locked
// (as far as RLIMIT_MEMLOCK lets it), guarded, left out of core dumps, and wiped at the end; what encrypts is
// derived from it, one key a cache file. Immutable: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "proto/wire/error.hpp"

namespace prismbus {

class CacheKey {
 public:
  static constexpr std::size_t kBytes = 32;
  using Derived = std::array<unsigned char, kBytes>;

  // Errors, all of which name the option `cache.key_file` and the path: not_found; invalid_argument (a link,
  // another kind of file, another owner, open to others in any way, not 64 hexadecimal digits); unavailable
  // (what the system said). Blocks on the disk.
  [[nodiscard]] static Result<std::unique_ptr<CacheKey>> read(const std::string& path);
  ~CacheKey();
  CacheKey(const CacheKey&) = delete;
  CacheKey& operator=(const CacheKey&) = delete;

  // BLAKE2b-256 of `context` under this key. The taker wipes it.
  void derive(std::string_view context, Derived& out) const;

 private:
  explicit CacheKey(unsigned char* bytes) : bytes_(bytes) {}
  unsigned char* bytes_;  // sodium_malloc()ed
};

}  // namespace prismbus
