// What a token says (section 7 of the contract), apart from who signed it: claims <-> JSON. Unknown claims
// are passed over; a known one of another form refuses the token. Times are not judged here. Pure, any
// thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/token/pattern.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

struct TokenClaims {
  std::string principal;  // `sub`
  std::vector<Pattern> read, write, admin;
  std::chrono::sys_seconds expires{};                          // `exp`
  std::optional<std::chrono::sys_seconds> not_before, issued;  // `nbf`, `iat`
  std::optional<std::string> issuer;
  std::vector<std::string> audiences;  // `aud`, a string or an array
  friend bool operator==(const TokenClaims&, const TokenClaims&) = default;
};

// 1..255 bytes by the key rule, not `anonymous`, not starting with `_`. Taken as it is: nothing is
// normalised, a look-alike is somebody else.
[[nodiscard]] bool is_principal(std::string_view name);

// unauthenticated, with a fixed message that says which rule.
[[nodiscard]] Result<TokenClaims> decode_claims(std::string_view json);

// The object of a token. invalid_argument with `field`: a principal that is none.
[[nodiscard]] Result<std::string> encode_claims(const TokenClaims& claims);

}  // namespace prismbus
