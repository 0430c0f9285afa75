#include "proto/token/token_verifier.hpp"

#include <algorithm>

#include "proto/token/base64url.hpp"
#include "proto/token/token_fault.hpp"
#include "proto/token/token_signature.hpp"
#include "proto/token/token_text.hpp"

namespace prismbus {
namespace {

Result<void> check_signature(const TokenKeys& keys, const TokenHeader& header, const TokenText& text) {
  const auto signature = from_base64url(text.signature);
  if (!signature) return refuse_token(TokenFault::malformed, "token: the signature is not base64url");
  const SignedText signed_text(text.signed_part);
  if (header.kid) {
    const TokenKeyPtr key = keys.find(*header.kid);
    if (key == nullptr) return refuse_token(TokenFault::unknown_key, "token: no key here has its kid");
    if (key->algorithm() != header.algorithm)
      return refuse_token(TokenFault::unknown_key, "token: the key of its kid has another alg");
    if (!signature_fits(*key, signed_text, *signature))
      return refuse_token(TokenFault::bad_signature, "token: the signature does not fit");
    return {};
  }
  bool tried = false;
  for (const TokenKeyPtr& key : keys.all()) {
    if (key->algorithm() != header.algorithm) continue;
    tried = true;
    if (signature_fits(*key, signed_text, *signature)) return {};
  }
  if (tried) return refuse_token(TokenFault::bad_signature, "token: the signature does not fit");
  return refuse_token(TokenFault::unknown_key, "token: no key here has its alg");
}

}  // namespace

Result<TokenClaims> TokenVerifier::verify(std::string_view token, Wall now) const {
  const auto text = split_token(token);
  if (!text) return tl::unexpected<Error>(text.error());
  const auto header = decode_header(text->header);
  if (!header) return tl::unexpected<Error>(header.error());
  // Before the signature fits, nobody's claims are read.
  if (auto fits = check_signature(keys_, *header, *text); !fits) return tl::unexpected<Error>(fits.error());
  auto claims = decode_claims_part(text->claims);
  if (!claims) return claims;
  if (auto valid = judge(*claims, now); !valid) return tl::unexpected<Error>(valid.error());
  return claims;
}

Result<void> TokenVerifier::judge(const TokenClaims& claims, Wall now) const {
  if (now >= claims.expires + rules_.leeway)
    return refuse_token(TokenFault::expired, "token: it has expired");
  if (claims.not_before && now + rules_.leeway < *claims.not_before)
    return refuse_token(TokenFault::not_yet_valid, "token: it is not valid yet");
  if (claims.issued && now + rules_.leeway < *claims.issued)
    return refuse_token(TokenFault::not_yet_valid, "token: it was issued in the future; a clock is wrong");
  if (rules_.issuer && claims.issuer != rules_.issuer)
    return refuse_token(TokenFault::wrong_issuer, "token: iss is not the issuer expected here");
  const auto& audiences = claims.audiences;
  if (rules_.audience && std::find(audiences.begin(), audiences.end(), *rules_.audience) == audiences.end())
    return refuse_token(TokenFault::wrong_audience, "token: aud does not name this service");
  if (!rules_.audience && !audiences.empty())
    return refuse_token(TokenFault::wrong_audience,
                        "token: it is meant for an audience, and none is configured here");
  return {};
}

}  // namespace prismbus
