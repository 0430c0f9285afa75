// Encrypts one cache file, a piece after another: XChaCha20-Poly1305 under a key of this file alone, which is
// derived from the cache's key and the file's beginning (its salt is random), with a random nonce a piece. A
// piece authenticates the tag of the piece before it, so it opens only behind that one: in its file, in its
// place. One thread. The derived key is wiped at the end.
//   sealed(x) = nonce:24  ciphertext  tag:16
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "subscriber/cache/cache_key.hpp"

namespace prismbus::cache {

inline constexpr std::size_t kSaltBytes = 32, kNonceBytes = 24, kTagBytes = 16;
inline constexpr std::size_t kSealedBytes = kNonceBytes + kTagBytes;  // more than what is sealed
using Salt = std::array<char, kSaltBytes>;
using Tag = std::array<char, kTagBytes>;

[[nodiscard]] Salt random_salt();

class Sealer {
 public:
  // Of the file that begins with `beginning`, behind the piece with the tag `last` (zeros: at its begin).
  Sealer(const CacheKey& key, std::string_view beginning, const Tag& last = {});
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  void seal(std::string_view plain, std::string& out);  // appends
  // Puts what is sealed into `plain`. False: it is not what this key sealed in this place; the place stays.
  [[nodiscard]] bool open(std::string_view sealed, std::string& plain);
  [[nodiscard]] const Tag& last() const { return last_; }  // of the piece sealed or opened last

 private:
  CacheKey::Derived key_{};
  Tag last_;
};

}  // namespace prismbus::cache
