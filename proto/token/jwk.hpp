// One key <-> a JWK of RFC 7517. Only the members a key of its algorithm has are looked at, others are passed
// over as the RFC wants it. Nothing of a key stands in an error. Pure, any thread.
#pragma once

#include <string>

#include "proto/token/strict_json.hpp"
#include "proto/token/token_key.hpp"

namespace prismbus {

// What a reader of key files keeps: who only verifies has no use for private numbers (an HS256 secret is what
// it verifies with, and stays).
enum class KeepParts : std::uint8_t { all, verifying };

struct DecodedJwk {
  TokenKeyPtr key;
  bool was_private = false;  // private members stood there, kept or not
};

// invalid_argument with `field` = the member.
[[nodiscard]] Result<DecodedJwk> decode_jwk(const JsonValue& jwk, KeepParts keep);

// One object. `out` must have room for jwk_size(): nothing private is left behind by a growing string.
void append_jwk(std::string& out, const TokenKey& key);
[[nodiscard]] std::size_t jwk_size(const TokenKey& key);  // at most

}  // namespace prismbus
