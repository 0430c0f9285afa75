// The keys of a file: a JWK set (RFC 7517). The first one signs, all of them verify. Each has `alg`, exactly
// one; `kid` is optional and unique. A value of shared immutable keys: copies are cheap, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/token/jwk.hpp"
#include "proto/token/token_key.hpp"

namespace prismbus {

class TokenKeys {
 public:
  static constexpr std::size_t kFileBytesMax = 256u << 10;
  // A token that names no key is tried with each of its algorithm, and that has to end within a millisecond:
  // one ES256 try takes up to 0.1 ms.
  static constexpr std::size_t kPerAlgorithmMax = 4;

  // A regular file that this user or root owns, that nobody else may write, and that is open to this user
  // alone when anything private stands in it. Every error names the file, and the member (`field`, as
  // `keys[1].alg`) where it is one's fault; none says what stands there. not_found, invalid_argument,
  // too_large, unavailable. Blocks on the disk.
  [[nodiscard]] static Result<TokenKeys> load(const std::string& path, KeepParts keep);
  // The same of text. `was_private` (may be null): whether private members stand in it, kept or not.
  [[nodiscard]] static Result<TokenKeys> parse(std::string_view jwks, KeepParts keep,
                                               bool* was_private = nullptr);

  // Mode 0600, whole or not at all. The private parts that are here go into the file.
  [[nodiscard]] Result<void> save(const std::string& path) const;

  // It signs from now on. conflict: its kid is taken; too_large: there are kPerAlgorithmMax of its algorithm.
  [[nodiscard]] Result<void> add_first(TokenKeyPtr key);
  // not_found; conflict: it is the last one that is left.
  [[nodiscard]] Result<void> retire(std::string_view kid);

  [[nodiscard]] const std::vector<TokenKeyPtr>& all() const { return keys_; }
  [[nodiscard]] TokenKeyPtr find(std::string_view kid) const;  // null: none is named so

 private:
  [[nodiscard]] Result<void> check_room_for(const TokenKey& key) const;
  std::vector<TokenKeyPtr> keys_;
};

}  // namespace prismbus
