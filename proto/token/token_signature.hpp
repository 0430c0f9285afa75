// Signatures of RFC 7515 and 7518: HMAC-SHA-256, RSASSA-PKCS1-v1_5 with SHA-256, ECDSA on P-256 with SHA-256
// as r and s, 32 bytes each. The algorithm is the key's. Pure, any thread; keys are shared between them.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "proto/token/token_key.hpp"

namespace prismbus {

// What is signed, hashed once for however many keys are tried. Lends the text.
class SignedText {
 public:
  explicit SignedText(std::string_view text);
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] const std::array<unsigned char, 32>& digest() const { return digest_; }

 private:
  std::string_view text_;
  std::array<unsigned char, 32> digest_{};  // SHA-256
};

// Compares HMACs in constant time.
[[nodiscard]] bool signature_fits(const TokenKey& key, const SignedText& text, std::string_view signature);

// permission_denied: a key without its private part.
[[nodiscard]] Result<std::string> make_signature(const TokenKey& key, const SignedText& text);

}  // namespace prismbus
