#include "tests/unit/proto/token/token_samples.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "proto/token/base64url.hpp"

namespace prismbus::test {
namespace {

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double time_slack() {
  const char* slack = std::getenv("PRISMBUS_TIME_SLACK");
  return slack == nullptr ? 1 : std::atof(slack);
}

}  // namespace

TokenKeyPtr sample_key(TokenAlgorithm algorithm) {
  static const std::array<TokenKeyPtr, 3> keys{TokenKey::generate(TokenAlgorithm::hs256, "hs").value(),
                                               TokenKey::generate(TokenAlgorithm::rs256, "rs").value(),
                                               TokenKey::generate(TokenAlgorithm::es256, "es").value()};
  return keys[static_cast<std::size_t>(algorithm)];
}

TokenKeys keys_of(const std::vector<TokenKeyPtr>& keys) {
  TokenKeys out;
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) REQUIRE(out.add_first(*key));
  return out;
}

TokenKeys sample_keys() {
  return keys_of({sample_key(TokenAlgorithm::es256), sample_key(TokenAlgorithm::rs256),
                  sample_key(TokenAlgorithm::hs256)});
}

TokenClaims sample_claims() {
  TokenClaims claims;
  claims.principal = "alice";
  claims.expires = kNoon + std::chrono::hours(1);
  claims.read = {Pattern::parse("md.**").value()};
  return claims;
}

std::string signed_with(const TokenKeyPtr& key, std::string_view header, std::string_view claims) {
  return sign_text(header, claims, *key).value();
}

std::string es_token(std::string_view claims) {
  return signed_with(sample_key(TokenAlgorithm::es256), R"({"alg":"ES256"})", claims);
}

std::string hmac_token(std::string_view secret, std::string_view header, std::string_view claims) {
  const std::string text = to_base64url(header) + "." + to_base64url(claims);
  std::string mac(32, '\0');
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return text + "." + to_base64url(mac);
}

std::string public_pem(const TokenKey& key) {
  BIO* out = BIO_new(BIO_s_mem());
  REQUIRE(PEM_write_bio_PUBKEY(out, key.handle()) == 1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

std::string public_der(const TokenKey& key) {
  unsigned char* data = nullptr;
  const int size = i2d_PUBKEY(key.handle(), &data);
  REQUIRE(size > 0);
  std::string bytes(reinterpret_cast<char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return bytes;
}

std::string refusal(const TokenVerifier& verifier, std::string_view token, Wall now) {
  double best = 1;
  std::string message;
  for (int i = 0; i < 5; ++i) {  // the best of some: what a busy machine adds is not the verifier's
    const double from = thread_seconds();
    const auto claims = verifier.verify(token, now);
    best = std::min(best, thread_seconds() - from);
    CHECK_FALSE(claims);
    if (claims) return "";
    CHECK(claims.error().code == ErrorCode::unauthenticated);
    message = claims.error().message;
  }
  CHECK(best < 0.001 * time_slack());
  CHECK(message.starts_with("token: "));
  CHECK(message.size() < 80);
  return message;
}

}  // namespace prismbus::test
