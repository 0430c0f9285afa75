#include "proto/token/token_signature.hpp"

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <memory>

namespace prismbus {
namespace {

constexpr std::size_t kHalf = 32;  // r and s of P-256

using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
using EcSignature = std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)>;
using Step = int (*)(EVP_PKEY_CTX*);

const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Ready to sign or verify a SHA-256 digest; null when OpenSSL refuses.
Context begin(const TokenKey& key, Step step) {
  Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.handle(), nullptr), &EVP_PKEY_CTX_free);
  const bool rsa = key.algorithm() == TokenAlgorithm::rs256;
  const bool ready = context && step(context.get()) == 1 &&
                     (!rsa || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1) &&
                     EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1;
  if (!ready) context.reset();
  return context;
}

std::array<unsigned char, 32> hmac(const TokenKey& key, std::string_view text) {
  std::array<unsigned char, 32> out{};
  const std::string_view secret = key.secret();
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), octets(text), text.size(), out.data(),
       nullptr);
  return out;
}

// r and s as OpenSSL takes them: DER. Empty: sizes or numbers that no signature has.
std::string as_der(std::string_view signature) {
  if (signature.size() != 2 * kHalf) return {};
  EcSignature numbers(ECDSA_SIG_new(), &ECDSA_SIG_free);
  BIGNUM* r = BN_bin2bn(octets(signature), kHalf, nullptr);
  BIGNUM* s = BN_bin2bn(octets(signature) + kHalf, kHalf, nullptr);
  if (!numbers || r == nullptr || s == nullptr || BN_is_zero(r) || BN_is_zero(s)) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  ECDSA_SIG_set0(numbers.get(), r, s);  // owns them from here
  std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(numbers.get(), nullptr)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_ECDSA_SIG(numbers.get(), &out);
  return der;
}

// DER as RFC 7518 wants it: r and s, each filled up to 32 bytes. Empty: not of P-256.
std::string from_der(std::string_view der) {
  const unsigned char* in = octets(der);
  const EcSignature numbers(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())), &ECDSA_SIG_free);
  std::string out(2 * kHalf, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  const bool fits = numbers && BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), bytes, kHalf) == kHalf &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), bytes + kHalf, kHalf) == kHalf;
  return fits ? out : std::string();
}

}  // namespace

SignedText::SignedText(std::string_view text) : text_(text) {
  SHA256(octets(text), text.size(), digest_.data());
}

bool signature_fits(const TokenKey& key, const SignedText& text, std::string_view signature) {
  if (key.algorithm() == TokenAlgorithm::hs256) {
    const auto wanted = hmac(key, text.text());
    return signature.size() == wanted.size() &&
           CRYPTO_memcmp(signature.data(), wanted.data(), wanted.size()) == 0;
  }
  std::string der;
  if (key.algorithm() == TokenAlgorithm::es256) {
    der = as_der(signature);
    signature = der;
  }
  if (signature.empty()) return false;
  const Context context = begin(key, EVP_PKEY_verify_init);
  const bool fits = context && EVP_PKEY_verify(context.get(), octets(signature), signature.size(),
                                               text.digest().data(), text.digest().size()) == 1;
  ERR_clear_error();  // what does not fit is no fault of this process
  return fits;
}

Result<std::string> make_signature(const TokenKey& key, const SignedText& text) {
  if (!key.can_sign()) return fail(ErrorCode::permission_denied, "the key has no private part here");
  if (key.algorithm() == TokenAlgorithm::hs256) {
    const auto made = hmac(key, text.text());
    return std::string(made.begin(), made.end());
  }
  const Context context = begin(key, EVP_PKEY_sign_init);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.handle())), '\0');
  std::size_t size = signature.size();
  const bool made =
      context && EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                               text.digest().data(), text.digest().size()) == 1;
  ERR_clear_error();
  if (!made) return fail(ErrorCode::unavailable, "OpenSSL made no signature");
  signature.resize(size);
  if (key.algorithm() == TokenAlgorithm::es256) signature = from_der(signature);
  if (signature.empty()) return fail(ErrorCode::unavailable, "OpenSSL made no signature of P-256");
  return signature;
}

}  // namespace prismbus
