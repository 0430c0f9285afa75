// Keys and signatures: the RFCs' own samples, keys made here, and numbers that are no key.
#include "proto/token/token_key.hpp"

#include "proto/base/random.hpp"
#include "proto/token/base64url.hpp"
#include "proto/token/token_signature.hpp"
#include "tests/unit/proto/token/token_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kClaims =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

std::string bytes(std::string_view base64url) {
  return from_base64url(base64url).value();
}

SecretBytes secret_bytes(std::string_view base64url) {
  return SecretBytes(std::string_view(bytes(base64url)));
}

TokenKey::Parts p256(std::string_view x, std::string_view y, std::string_view d = "") {
  TokenKey::Parts parts;
  parts.open.emplace_back("x", bytes(x));
  parts.open.emplace_back("y", bytes(y));
  if (!d.empty()) parts.secret.emplace_back("d", secret_bytes(d));
  return parts;
}

// RFC 7515, appendix A.3.
constexpr std::string_view kX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                           kY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                           kD = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";

std::string field_at_fault(TokenAlgorithm algorithm, TokenKey::Parts parts) {
  const auto key = TokenKey::make(algorithm, "", std::move(parts));
  REQUIRE_FALSE(key);
  CHECK(key.error().code == ErrorCode::invalid_argument);
  return key.error().field.value_or("none");
}

TokenKey::Parts secret_of(std::string_view raw) {
  TokenKey::Parts parts;
  parts.secret.emplace_back("k", SecretBytes(raw));
  return parts;
}

}  // namespace

TEST_CASE("the signatures of RFC 7515 fit their keys, and no other text") {
  const std::string hs_text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + std::string(kClaims);
  TokenKey::Parts parts;
  parts.secret.emplace_back(
      "k",
      secret_bytes("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"));
  const auto hs = TokenKey::make(TokenAlgorithm::hs256, "", std::move(parts)).value();
  const std::string hs_signature = bytes("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  CHECK(signature_fits(*hs, SignedText(hs_text), hs_signature));
  CHECK_FALSE(signature_fits(*hs, SignedText(hs_text + "A"), hs_signature));
  CHECK(make_signature(*hs, SignedText(hs_text)).value() == hs_signature);

  const std::string es_text = "eyJhbGciOiJFUzI1NiJ9" + std::string(kClaims);
  const auto es = TokenKey::make(TokenAlgorithm::es256, "", p256(kX, kY)).value();
  const std::string es_signature =
      bytes("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
  CHECK(signature_fits(*es, SignedText(es_text), es_signature));
  CHECK_FALSE(signature_fits(*es, SignedText(es_text + "A"), es_signature));
  CHECK_FALSE(signature_fits(*es, SignedText(es_text), es_signature.substr(1)));
  CHECK(make_signature(*es, SignedText(es_text)).error().code == ErrorCode::permission_denied);
}

TEST_CASE("the thumbprint is that of RFC 7638") {
  TokenKey::Parts parts;
  parts.open.emplace_back("n", bytes("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7a"
                                     "PFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4"
                                     "n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
                                     "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zg"
                                     "dAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
                                     "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCu"
                                     "r-kEgU8awapJzKnqDKgw"));
  parts.open.emplace_back("e", bytes("AQAB"));
  const auto key = TokenKey::make(TokenAlgorithm::rs256, "", std::move(parts)).value();
  CHECK(key->thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  CHECK(key->bits() == 2048);
  CHECK_FALSE(key->can_sign());
}

TEST_CASE("a key that is made here signs what it verifies, and is named by its thumbprint") {
  for (const auto algorithm : {TokenAlgorithm::hs256, TokenAlgorithm::es256, TokenAlgorithm::rs256}) {
    INFO(name_of(algorithm));
    const auto key = TokenKey::generate(algorithm).value();
    CHECK(key->can_sign());
    CHECK(key->kid().size() >= 22);
    if (algorithm != TokenAlgorithm::hs256) CHECK(key->kid() == key->thumbprint());
    const SignedText text("header.claims");
    const auto signature = make_signature(*key, text).value();
    CHECK(signature_fits(*key, text, signature));
    for (std::size_t i = 0; i < signature.size(); i += 7) {
      std::string other = signature;
      other[i] = static_cast<char>(other[i] ^ 1);
      CHECK_FALSE(signature_fits(*key, text, other));
    }
    CHECK_FALSE(signature_fits(*key, text, ""));
    CHECK_FALSE(signature_fits(*key, text, signature + "x"));
    CHECK_FALSE(signature_fits(*sample_key(algorithm), text, signature));
  }
}

TEST_CASE("a secret that is short, long, or no random one is no key") {
  const std::string random = random_bytes(64);
  CHECK(TokenKey::make(TokenAlgorithm::hs256, "", secret_of(random.substr(0, 32))));
  CHECK(field_at_fault(TokenAlgorithm::hs256, secret_of(random.substr(0, 31))) == "k");
  CHECK(field_at_fault(TokenAlgorithm::hs256, secret_of("")) == "k");
  CHECK(field_at_fault(TokenAlgorithm::hs256, secret_of(std::string(64, 'a'))) == "k");
  CHECK(field_at_fault(TokenAlgorithm::hs256, secret_of(std::string(32, '\0'))) == "k");
  CHECK(field_at_fault(TokenAlgorithm::hs256, secret_of("changemechangemechangemechangeme")) == "k");
  CHECK(field_at_fault(TokenAlgorithm::hs256, secret_of(random_bytes(1025))) == "k");
  CHECK(field_at_fault(TokenAlgorithm::hs256, {}) == "k");
}

TEST_CASE("numbers off the curve, of another size, or that do not belong together are no key") {
  CHECK(TokenKey::make(TokenAlgorithm::es256, "", p256(kX, kY, kD)));
  CHECK(field_at_fault(TokenAlgorithm::es256, p256(kX, kX)) == "x");
  CHECK(field_at_fault(TokenAlgorithm::es256, p256(kX, kY, kX)) == "d");
  CHECK(field_at_fault(TokenAlgorithm::es256, p256("AAAA", kY)) == "x");
  CHECK(field_at_fault(TokenAlgorithm::es256, p256(kX, "")) == "y");
  CHECK(field_at_fault(TokenAlgorithm::es256, p256(kX, kY, "AAAA")) == "d");
  const std::string zero = to_base64url(std::string(32, '\0'));
  CHECK(field_at_fault(TokenAlgorithm::es256, p256(zero, zero)) == "x");

  const TokenKeyPtr rsa = sample_key(TokenAlgorithm::rs256);
  const auto open_rsa = [&rsa](std::string_view e, std::size_t modulus_bytes) {
    TokenKey::Parts parts;
    std::string n(rsa->open_part("n").substr(0, modulus_bytes));
    if (!n.empty()) n.back() = static_cast<char>(n.back() | 1);
    parts.open.emplace_back("n", n);
    parts.open.emplace_back("e", std::string(e));
    return parts;
  };
  CHECK(TokenKey::make(TokenAlgorithm::rs256, "", open_rsa("\x01\x00\x01"sv, 999)));
  for (const std::string_view e : {"\x03"sv, "\x01\x00\x02"sv, "\x01\x00\x00\x00\x00\x01"sv, ""sv})
    CHECK(field_at_fault(TokenAlgorithm::rs256, open_rsa(e, 999)) == "e");
  CHECK(field_at_fault(TokenAlgorithm::rs256, open_rsa("\x01\x00\x01"sv, 128)) == "n");  // 1,024 bits
  CHECK(field_at_fault(TokenAlgorithm::rs256, open_rsa("\x01\x00\x01"sv, 255)) == "n");
  CHECK(field_at_fault(TokenAlgorithm::rs256, open_rsa("\x01\x00\x01"sv, 0)) == "n");
  TokenKey::Parts with_other_d = open_rsa("\x01\x00\x01"sv, 999);
  with_other_d.secret.emplace_back("d", SecretBytes(std::string_view(random_bytes(300))));
  const std::string field = field_at_fault(TokenAlgorithm::rs256, std::move(with_other_d));
  CHECK(field == "d");
}
