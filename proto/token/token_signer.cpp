#include "proto/token/token_signer.hpp"

#include "proto/token/base64url.hpp"
#include "proto/token/strict_json.hpp"
#include "proto/token/token_signature.hpp"
#include "proto/token/token_text.hpp"

namespace prismbus {

Result<std::string> sign_text(std::string_view header, std::string_view claims, const TokenKey& key) {
  std::string token = to_base64url(header) + "." + to_base64url(claims);
  const auto signature = make_signature(key, SignedText(token));
  if (!signature) return tl::unexpected<Error>(signature.error());
  return token + "." + to_base64url(*signature);
}

Result<std::string> sign_token(const TokenClaims& claims, const TokenKey& key) {
  auto body = encode_claims(claims);
  if (!body) return body;
  std::string header = R"({"alg":")" + std::string(name_of(key.algorithm())) + R"(","typ":"JWT")";
  if (!key.kid().empty()) {
    header += R"(,"kid":)";
    append_json_string(header, key.kid());
  }
  header.push_back('}');
  auto token = sign_text(header, *body, key);
  if (!token || token->size() <= kTokenBytesMax) return token;
  return tl::unexpected<Error>(over_limit("token", "the token is too large", kTokenBytesMax, token->size()));
}

}  // namespace prismbus
