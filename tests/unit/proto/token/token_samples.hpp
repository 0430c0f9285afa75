// Keys, tokens and a clock for the tests of proto/token: one key of each algorithm, made once in the process.
#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

#include "proto/token/token_signer.hpp"
#include "proto/token/token_verifier.hpp"

namespace prismbus::test {

inline constexpr std::chrono::sys_seconds kNoon{std::chrono::seconds(1'800'000'000)};
inline constexpr Wall kNow = kNoon;

// "es", "rs", "hs": their kids too.
[[nodiscard]] TokenKeyPtr sample_key(TokenAlgorithm algorithm);
// All three, or those given.
[[nodiscard]] TokenKeys keys_of(const std::vector<TokenKeyPtr>& keys);
[[nodiscard]] TokenKeys sample_keys();

// alice, who may read md.**; an hour from now.
[[nodiscard]] TokenClaims sample_claims();
inline constexpr std::string_view kSampleClaims =
    R"({"sub":"alice","exp":1800003600,"prismbus":{"read":["md.**"]}})";

// A token of that header and those claims, signed with the key as its own algorithm has it.
[[nodiscard]] std::string signed_with(const TokenKeyPtr& key, std::string_view header,
                                      std::string_view claims = kSampleClaims);
// `{"alg":"ES256"}` in front.
[[nodiscard]] std::string es_token(std::string_view claims);
// HS256 over header and claims under any secret.
[[nodiscard]] std::string hmac_token(std::string_view secret, std::string_view header,
                                     std::string_view claims = kSampleClaims);

// The public part as other programs write it.
[[nodiscard]] std::string public_pem(const TokenKey& key);
[[nodiscard]] std::string public_der(const TokenKey& key);

// The message of the refusal, which must be `unauthenticated`, fixed in form, and take less than a
// millisecond of this thread's time, times PRISMBUS_TIME_SLACK. "" and a failed check when the token is
// taken.
[[nodiscard]] std::string refusal(const TokenVerifier& verifier, std::string_view token, Wall now = kNow);

}  // namespace prismbus::test
