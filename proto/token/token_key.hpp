// One key that signs or verifies tokens: its algorithm, its name, and its numbers as RFC 7517 writes them. A
// key has exactly one algorithm and is never used for another, whatever a token says. Immutable: shared
// between threads and sets. Its private numbers lie in SecretBytes; with them OpenSSL holds a copy of its
// own, in memory it wipes when the key goes: a process that signs calls forbid_core_dumps() first.
//
// This stands on OpenSSL itself and not on libcpp-jwt (1.4), for what no wall around that can mend: it
// compares HMACs byte by byte until the first that differs, keeps keys in strings nobody wipes and parses
// them from PEM for every token, and calls a null function for an `alg` it does not know; its base64 reads
// before its table for bytes above 127 and takes the rest of broken text as if it were not there, and doubled
// members are one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/secret_bytes.hpp"
#include "proto/wire/error.hpp"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace prismbus {

enum class TokenAlgorithm : std::uint8_t { hs256, rs256, es256 };
[[nodiscard]] std::string_view name_of(TokenAlgorithm algorithm);  // "HS256", "RS256", "ES256"
[[nodiscard]] std::optional<TokenAlgorithm> token_algorithm_named(std::string_view name);  // exactly those

class TokenKey;
using TokenKeyPtr = std::shared_ptr<const TokenKey>;

class TokenKey {
 public:
  static constexpr std::size_t kSecretBytesMin = 32, kSecretBytesMax = 1024;  // HS256
  static constexpr int kRsaBitsMin = 2048, kRsaBitsMax = 4096;  // larger ones take too long to verify

  // Members of a JWK by their names there; bytes, not base64url. Names are string literals.
  struct Parts {
    std::vector<std::pair<std::string_view, std::string>> open;    // n, e; x, y
    std::vector<std::pair<std::string_view, SecretBytes>> secret;  // k; d, p, q, dp, dq, qi
  };

  // `kid` may be empty: a key without a name. invalid_argument with `field` = the member at fault: missing,
  // of another size, no point of the curve, an RSA modulus that is too short or too long, a secret that is
  // too short or no random one, private numbers that do not belong to the public ones.
  [[nodiscard]] static Result<TokenKeyPtr> make(TokenAlgorithm algorithm, std::string kid, Parts parts);
  // A new one, from the system's randomness; without a `kid` it is named by its thumbprint (HS256: at random,
  // for a thumbprint of a secret is a hash of it that everybody sees). RSA has 3,072 bits: seconds.
  [[nodiscard]] static Result<TokenKeyPtr> generate(TokenAlgorithm algorithm, std::string kid = {});

  [[nodiscard]] TokenAlgorithm algorithm() const { return algorithm_; }
  [[nodiscard]] const std::string& kid() const { return kid_; }
  [[nodiscard]] bool can_sign() const { return !parts_.secret.empty(); }
  [[nodiscard]] int bits() const;  // of the secret, the modulus, the curve
  // RFC 7638: base64url of a SHA-256 over the public members. Of HS256: "".
  [[nodiscard]] std::string thumbprint() const;

  [[nodiscard]] const Parts& parts() const { return parts_; }
  [[nodiscard]] evp_pkey_st* handle() const { return handle_.get(); }       // RS256, ES256; else null
  [[nodiscard]] std::string_view secret() const;                            // HS256; else ""
  [[nodiscard]] std::string_view open_part(std::string_view member) const;  // "": it has none

 private:
  TokenKey() = default;
  [[nodiscard]] Result<void> check_and_build();
  [[nodiscard]] Result<void> build_secret();
  [[nodiscard]] Result<void> build_rsa();
  [[nodiscard]] Result<void> build_ec();

  TokenAlgorithm algorithm_ = TokenAlgorithm::es256;
  std::string kid_;
  Parts parts_;
  std::shared_ptr<evp_pkey_st> handle_;
};

}  // namespace prismbus
