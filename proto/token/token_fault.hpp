// Why a token is refused, in few words that are always the same: what is counted, and what a refusal carries
// as `reason`. Which rule it broke, and nothing of the token or of the keys. Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire/error.hpp"

namespace prismbus {

enum class TokenFault : std::uint8_t {
  malformed,  // no token, or with claims that are none
  unknown_key,
  bad_signature,
  expired,
  not_yet_valid,  // `nbf` or `iat` lie ahead
  wrong_issuer,
  wrong_audience,
  revoked,
};
inline constexpr std::size_t kTokenFaults = 8;
inline constexpr std::array<std::string_view, kTokenFaults> kTokenFaultNames{
    "malformed",     "unknown_key",  "bad_signature",  "expired",
    "not_yet_valid", "wrong_issuer", "wrong_audience", "revoked"};

// An `unauthenticated` with its reason.
[[nodiscard]] inline tl::unexpected<Error> refuse_token(TokenFault fault, std::string message) {
  Error error = error_of(ErrorCode::unauthenticated, std::move(message));
  error.reason = kTokenFaultNames[static_cast<std::size_t>(fault)];
  return tl::unexpected<Error>(std::move(error));
}

// Of a refusal that refuse_token() made.
[[nodiscard]] inline TokenFault token_fault_of(const Error& error) {
  for (std::size_t i = 0; i < kTokenFaults; ++i) {
    if (error.reason == kTokenFaultNames[i]) return static_cast<TokenFault>(i);
  }
  return TokenFault::malformed;
}

}  // namespace prismbus
