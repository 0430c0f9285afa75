// Tokens that count no more, as `_system.revoked` says. A key there is `token/` and the SHA-256 of a token in
// hex, or `sub/` and a principal: of it every token issued at or before `before` (microseconds), or that does
// not say when it was issued. Pure; any thread.
//   {before: 1790000000000000, reason: "laptop lost", expires: 1790003600000000}
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/base/bytes.hpp"
#include "proto/base/clock.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

inline constexpr std::string_view kRevokedNamespace = "_system.revoked";

struct Revocation {
  Wall before{};  // of a principal
};

// Whether `key` and `value` are a revocation. Errors: rejected, with `path` and `reason`.
[[nodiscard]] Result<Revocation> decode_revocation(std::string_view key, std::string_view value);

class Revocations {
 public:
  static constexpr std::size_t kKeysMax = 65'536;  // copied whole when they change

  void set(std::string_view key, const Revocation& revocation);
  void erase(std::string_view key);
  // `token_hash`: 64 hex digits, lower case.
  [[nodiscard]] bool revoke(std::string_view principal, std::optional<Wall> issued,
                            std::string_view token_hash) const;
  [[nodiscard]] std::size_t size() const { return by_key_.size(); }

 private:
  std::unordered_map<std::string, Revocation, BytesHash, std::equal_to<>> by_key_;
};

}  // namespace prismbus
