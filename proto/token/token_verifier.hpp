// Who a token speaks for, or why it is refused. The algorithm and the key are ours to say: a token names a
// key by `kid`, or is tried with each key of its algorithm, and never with one of another. Immutable: any
// thread, without a lock. No clock of its own, no cache, no revocation: who keeps connections does that.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.hpp"
#include "proto/token/token_claims.hpp"
#include "proto/token/token_keys.hpp"

namespace prismbus {

struct TokenRules {
  std::optional<std::string> issuer;  // then `iss` has to be this
  std::optional<std::string>
      audience;                     // then `aud` has to name this; without it a token with `aud` is refused
  std::chrono::seconds leeway{60};  // for clocks that disagree
};

class TokenVerifier {
 public:
  TokenVerifier(TokenKeys keys, TokenRules rules) : keys_(std::move(keys)), rules_(std::move(rules)) {}

  // Every refusal is `unauthenticated` with a short message fixed in advance: which rule, nothing of the
  // keys, nothing of the token. Accepted while `now` < exp + leeway. Takes less than a millisecond whatever
  // comes.
  [[nodiscard]] Result<TokenClaims> verify(std::string_view token, Wall now) const;

  // The part about times, issuer and audience: for claims that were verified before. A connection asks it
  // again when time has passed.
  [[nodiscard]] Result<void> judge(const TokenClaims& claims, Wall now) const;

  [[nodiscard]] const TokenKeys& keys() const { return keys_; }
  [[nodiscard]] const TokenRules& rules() const { return rules_; }

 private:
  TokenKeys keys_;
  TokenRules rules_;
};

}  // namespace prismbus
