// A token as text: three parts of base64url joined by dots (RFC 7515), and the header among them. Total: any
// bytes -> parts or a refusal, always `unauthenticated` with a fixed message. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/token/token_claims.hpp"
#include "proto/token/token_key.hpp"

namespace prismbus {

inline constexpr std::size_t kTokenBytesMax = 64u << 10;

// Lends the token.
struct TokenText {
  std::string_view header, claims, signature;  // base64url
  std::string_view signed_part;                // header and claims with the dot between them
};
[[nodiscard]] Result<TokenText> split_token(std::string_view token);

// SHA-256 of the whole text, in 64 lower-case hex digits: what a token is known and revoked by.
[[nodiscard]] std::string token_hash(std::string_view token);

[[nodiscard]] std::string sha256_hex(std::string_view text);  // 64 lower-case digits

struct TokenHeader {
  TokenAlgorithm algorithm = TokenAlgorithm::es256;
  std::optional<std::string> kid;
};
// Refused: an `alg` that is none of ours, `crit`, keys that come with the token (jwk, jku, x5u, x5c), a `typ`
// other than JWT, a `kid` that is no string. What else stands there is passed over.
[[nodiscard]] Result<TokenHeader> decode_header(std::string_view base64url);

// decode_claims() of the part.
[[nodiscard]] Result<TokenClaims> decode_claims_part(std::string_view base64url);

}  // namespace prismbus
