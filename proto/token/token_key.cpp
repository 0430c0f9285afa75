#include "proto/token/token_key.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>

#include "proto/base/random.hpp"
#include "proto/token/base64url.hpp"
#include "proto/token/token_signature.hpp"

namespace prismbus {
namespace {

constexpr std::array<std::pair<TokenAlgorithm, std::string_view>, 3> kAlgorithms{
    {{TokenAlgorithm::hs256, "HS256"}, {TokenAlgorithm::rs256, "RS256"}, {TokenAlgorithm::es256, "ES256"}}};

constexpr std::size_t kCoordinateBytes = 32;   // P-256
constexpr std::size_t kExponentBytesMax = 4;   // everybody's is 65537
constexpr std::size_t kDifferentBytesMin = 8;  // 32 random ones have fewer once in 10^40

static_assert(std::endian::native == std::endian::little, "OSSL_PARAM integers are the machine's");

// Parameters of a key for OpenSSL, over buffers that are wiped.
class KeyParameters {
 public:
  void number(const char* name, std::string_view big_endian) {
    SecretBytes& bytes = buffers_.emplace_back(std::max<std::size_t>(big_endian.size(), 1));
    std::reverse_copy(big_endian.begin(), big_endian.end(), bytes.data());
    parameters_.push_back(
        OSSL_PARAM_construct_BN(name, reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()));
  }
  void octets(const char* name, std::string_view text) {
    SecretBytes& bytes = buffers_.emplace_back(text);
    parameters_.push_back(OSSL_PARAM_construct_octet_string(name, bytes.data(), bytes.size()));
  }
  void text(const char* name, std::string& value) {
    parameters_.push_back(OSSL_PARAM_construct_utf8_string(name, value.data(), 0));
  }

  [[nodiscard]] std::shared_ptr<EVP_PKEY> build(const char* type, bool with_private) {
    parameters_.push_back(OSSL_PARAM_construct_end());
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), &EVP_PKEY_CTX_free);
    EVP_PKEY* key = nullptr;
    const bool made =
        context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
        EVP_PKEY_fromdata(context.get(), &key, with_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          parameters_.data()) == 1;
    ERR_clear_error();
    return made ? std::shared_ptr<EVP_PKEY>(key, &EVP_PKEY_free) : nullptr;
  }

 private:
  std::vector<SecretBytes> buffers_;
  std::vector<OSSL_PARAM> parameters_;
};

bool passes_public_check(EVP_PKEY* key) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr), &EVP_PKEY_CTX_free);
  const bool sound = context && EVP_PKEY_public_check(context.get()) == 1;
  ERR_clear_error();
  return sound;
}

// Private numbers belong to the public ones when what one signs the other verifies.
bool is_pair(const TokenKey& key) {
  const SignedText text("prismbus");
  const auto signature = make_signature(key, text);
  return signature && signature_fits(key, text, *signature);
}

// The number of that name in a key, `size` bytes of it (0 = as many as it has). Empty: it has none.
SecretBytes number_of(const EVP_PKEY* key, const char* name, std::size_t size = 0) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
  SecretBytes bytes(size > 0 ? size : static_cast<std::size_t>(BN_num_bytes(number)));
  const int done =
      BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  BN_clear_free(number);
  return done < 0 ? SecretBytes() : std::move(bytes);
}

struct NumberRow {
  std::string_view member;
  const char* parameter;
};
constexpr std::array<NumberRow, 6> kRsaSecrets{{{"d", OSSL_PKEY_PARAM_RSA_D},
                                                {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
                                                {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
                                                {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
                                                {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
                                                {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}}};

TokenKey::Parts generated_rsa(const EVP_PKEY* key) {
  TokenKey::Parts parts;
  parts.open.emplace_back("n", number_of(key, OSSL_PKEY_PARAM_RSA_N).view());
  parts.open.emplace_back("e", number_of(key, OSSL_PKEY_PARAM_RSA_E).view());
  for (const NumberRow& row : kRsaSecrets)
    parts.secret.emplace_back(row.member, number_of(key, row.parameter));
  return parts;
}

TokenKey::Parts generated_ec(const EVP_PKEY* key) {
  TokenKey::Parts parts;
  parts.open.emplace_back("x", number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateBytes).view());
  parts.open.emplace_back("y", number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateBytes).view());
  parts.secret.emplace_back("d", number_of(key, OSSL_PKEY_PARAM_PRIV_KEY, kCoordinateBytes));
  return parts;
}

SecretBytes random_secret(std::size_t size) {
  std::string bytes = random_bytes(size);
  const WipedAtEnd wiped(bytes);
  return SecretBytes(std::string_view(bytes));
}

}  // namespace

std::string_view name_of(TokenAlgorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)].second;
}

std::optional<TokenAlgorithm> token_algorithm_named(std::string_view name) {
  for (const auto& [algorithm, known] : kAlgorithms) {
    if (name == known) return algorithm;
  }
  return std::nullopt;
}

Result<TokenKeyPtr> TokenKey::make(TokenAlgorithm algorithm, std::string kid, Parts parts) {
  std::shared_ptr<TokenKey> key(new TokenKey);
  key->algorithm_ = algorithm;
  key->kid_ = std::move(kid);
  key->parts_ = std::move(parts);
  if (auto built = key->check_and_build(); !built) return tl::unexpected<Error>(built.error());
  return key;
}

Result<TokenKeyPtr> TokenKey::generate(TokenAlgorithm algorithm, std::string kid) {
  constexpr std::size_t kRsaBits = 3072;  // as strong as P-256
  Parts parts;
  if (algorithm == TokenAlgorithm::hs256) {
    parts.secret.emplace_back("k", random_secret(2 * kSecretBytesMin));
    if (kid.empty()) kid = to_base64url(random_bytes(16));
    return make(algorithm, std::move(kid), std::move(parts));
  }
  const bool rsa = algorithm == TokenAlgorithm::rs256;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> made(
      rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", kRsaBits)
          : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"),
      &EVP_PKEY_free);
  if (!made) return fail(ErrorCode::unavailable, "OpenSSL made no key");
  auto key = make(algorithm, std::move(kid), rsa ? generated_rsa(made.get()) : generated_ec(made.get()));
  if (!key || !(*key)->kid().empty()) return key;
  return make(algorithm, (*key)->thumbprint(), rsa ? generated_rsa(made.get()) : generated_ec(made.get()));
}

std::string_view TokenKey::open_part(std::string_view member) const {
  for (const auto& [name, bytes] : parts_.open) {
    if (name == member) return bytes;
  }
  return {};
}

std::string_view TokenKey::secret() const {
  return algorithm_ == TokenAlgorithm::hs256 ? parts_.secret.front().second.view() : std::string_view();
}

int TokenKey::bits() const {
  return handle_ ? EVP_PKEY_get_bits(handle_.get()) : static_cast<int>(8 * secret().size());
}

Result<void> TokenKey::check_and_build() {
  switch (algorithm_) {
    case TokenAlgorithm::hs256:
      return build_secret();
    case TokenAlgorithm::rs256:
      return build_rsa();
    case TokenAlgorithm::es256:
      return build_ec();
  }
  return fail_field("alg", "is not an algorithm");
}

Result<void> TokenKey::build_secret() {
  if (parts_.secret.size() != 1) return fail_field("k", "is missing");
  const std::string_view secret = parts_.secret.front().second.view();
  if (secret.size() < kSecretBytesMin) return fail_field("k", "is too short: a secret has 32 bytes or more");
  if (secret.size() > kSecretBytesMax)
    return fail_field("k", "is too long: a secret has at most 1,024 bytes");
  std::bitset<256> seen;
  for (const char c : secret) seen.set(static_cast<unsigned char>(c));
  if (seen.count() < kDifferentBytesMin)
    return fail_field("k", "is not a random secret: hardly a byte differs");
  return {};
}

Result<void> TokenKey::build_rsa() {
  const std::string_view modulus = open_part("n"), exponent = open_part("e");
  if (modulus.empty()) return fail_field("n", "is missing");
  if (exponent.empty()) return fail_field("e", "is missing");
  if (8 * modulus.size() > static_cast<std::size_t>(kRsaBitsMax))
    return fail_field("n", "is too long: RSA keys have 2,048 to 4,096 bits");
  const bool odd = (static_cast<unsigned char>(exponent.back()) & 1u) != 0;
  // 3 is known for forgeries where padding is judged loosely; nobody needs less than 65537.
  if (exponent.size() < 3 || exponent.size() > kExponentBytesMax || !odd)
    return fail_field("e", "is not an exponent for signatures: 65537 is one");
  KeyParameters parameters;
  parameters.number(OSSL_PKEY_PARAM_RSA_N, modulus);
  parameters.number(OSSL_PKEY_PARAM_RSA_E, exponent);
  for (const auto& [member, bytes] : parts_.secret) {
    for (const NumberRow& row : kRsaSecrets) {
      if (row.member == member) parameters.number(row.parameter, bytes.view());
    }
  }
  if (can_sign() && parts_.secret.size() != 1 && parts_.secret.size() != kRsaSecrets.size())
    return fail_field("p", "p, q, dp, dq and qi come together or not at all");
  handle_ = parameters.build("RSA", can_sign());
  if (!handle_) return fail_field("n", "is not an RSA key with the other members");
  if (bits() < kRsaBitsMin) return fail_field("n", "is too short: RSA keys have 2,048 to 4,096 bits");
  if (!passes_public_check(handle_.get())) return fail_field("n", "is not a modulus");
  if (can_sign() && !is_pair(*this)) return fail_field("d", "does not belong to n and e");
  return {};
}

Result<void> TokenKey::build_ec() {
  std::string group = "prime256v1", point = "\x04";
  for (const std::string_view member : {"x", "y"}) {
    const std::string_view bytes = open_part(member);
    if (bytes.size() != kCoordinateBytes)
      return fail_field(std::string(member), "is not a coordinate of 32 bytes");
    point += bytes;
  }
  KeyParameters parameters;
  parameters.text(OSSL_PKEY_PARAM_GROUP_NAME, group);
  parameters.octets(OSSL_PKEY_PARAM_PUB_KEY, point);
  for (const auto& [member, bytes] : parts_.secret) {
    if (bytes.size() != kCoordinateBytes) return fail_field("d", "is not a number of 32 bytes");
    parameters.number(OSSL_PKEY_PARAM_PRIV_KEY, bytes.view());
  }
  handle_ = parameters.build("EC", can_sign());
  if (!handle_ || !passes_public_check(handle_.get())) return fail_field("x", "is with y no point of P-256");
  if (can_sign() && !is_pair(*this)) return fail_field("d", "does not belong to x and y");
  return {};
}

std::string TokenKey::thumbprint() const {
  if (algorithm_ == TokenAlgorithm::hs256) return "";
  const auto part = [this](std::string_view member) { return to_base64url(open_part(member)); };
  const std::string text =
      algorithm_ == TokenAlgorithm::rs256
          ? R"({"e":")" + part("e") + R"(","kty":"RSA","n":")" + part("n") + R"("})"
          : R"({"crv":"P-256","kty":"EC","x":")" + part("x") + R"(","y":")" + part("y") + R"("})";
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return to_base64url(digest);
}

}  // namespace prismbus
