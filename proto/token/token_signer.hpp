// Makes tokens: for the command and for tests. The key's algorithm and name go into the header. Pure, any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/token/token_claims.hpp"
#include "proto/token/token_key.hpp"

namespace prismbus {

// permission_denied: the key has no private part here; invalid_argument: a principal that is none; too_large:
// more than a token may have.
[[nodiscard]] Result<std::string> sign_token(const TokenClaims& claims, const TokenKey& key);

// Any header and claims, signed as they are: nothing is checked. permission_denied.
[[nodiscard]] Result<std::string> sign_text(std::string_view header, std::string_view claims,
                                            const TokenKey& key);

}  // namespace prismbus
