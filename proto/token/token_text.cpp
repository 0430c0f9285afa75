#include "proto/token/token_text.hpp"

#include <openssl/sha.h>

#include <array>

#include <fmt/format.h>

#include <array>

#include "proto/token/base64url.hpp"
#include "proto/token/strict_json.hpp"
#include "proto/token/token_fault.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kHeaderBytesMax = 4096;  // of base64url: read before anybody is known
constexpr JsonLimits kHeaderLimits{.depth = 4, .values = 64};
// Members that would let a token bring its own key, or its own rules.
constexpr std::array<std::string_view, 5> kRefusedMembers{"crit", "jwk", "jku", "x5u", "x5c"};

tl::unexpected<Error> refused(std::string message) {
  return refuse_token(TokenFault::malformed, std::move(message));
}

}  // namespace

Result<TokenText> split_token(std::string_view token) {
  if (token.empty()) return refused("token: it is empty");
  if (token.size() > kTokenBytesMax) return refused("token: it is larger than 64 KiB");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return refused("token: it is not three parts joined by dots");
  TokenText out{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
                token.substr(0, second)};
  if (out.header.size() > kHeaderBytesMax) return refused("token: its header is larger than 4 KiB");
  if (out.signature.empty()) return refused("token: it is not signed");
  return out;
}

Result<TokenHeader> decode_header(std::string_view base64url) {
  const auto text = from_base64url(base64url);
  if (!text) return refused("token: the header is not base64url");
  const auto json = parse_strict_json(*text, kHeaderLimits);
  if (!json) return refused(fmt::format("token: the header {}", describe(json.error())));
  if (!json->is(JsonValue::Kind::object)) return refused("token: the header is not an object");
  for (const std::string_view name : kRefusedMembers) {
    if (json->find(name) != nullptr) return refused(fmt::format("token: {} in the header is refused", name));
  }
  TokenHeader out;
  const JsonValue* alg = json->find("alg");
  const auto algorithm =
      alg != nullptr && alg->is(JsonValue::Kind::text) ? token_algorithm_named(alg->text()) : std::nullopt;
  if (!algorithm) return refused("token: alg is none of HS256, RS256, ES256");
  out.algorithm = *algorithm;
  const JsonValue* typ = json->find("typ");
  if (typ != nullptr && (!typ->is(JsonValue::Kind::text) || typ->text() != "JWT"))
    return refused("token: typ is not JWT");
  if (const JsonValue* kid = json->find("kid")) {
    if (!kid->is(JsonValue::Kind::text)) return refused("token: kid is not a string");
    out.kid = kid->text();
  }
  return out;
}

Result<TokenClaims> decode_claims_part(std::string_view base64url) {
  const auto text = from_base64url(base64url);
  if (!text) return refused("token: the claims part is not base64url");
  return decode_claims(*text);
}

std::string token_hash(std::string_view token) {
  return sha256_hex(token);
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  const void* const bytes = text.data();
  ::SHA256(static_cast<const unsigned char*>(bytes), text.size(), digest.data());
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace prismbus
