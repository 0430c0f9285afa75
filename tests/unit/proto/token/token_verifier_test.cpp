// The verifier when nobody attacks: which key is taken, and the times, issuer and audience.
#include "proto/token/token_verifier.hpp"

#include "proto/token/token_fault.hpp"
#include "tests/unit/proto/token/token_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const TokenAlgorithm kEach[] = {TokenAlgorithm::hs256, TokenAlgorithm::rs256, TokenAlgorithm::es256};

std::string token_of(const TokenClaims& claims) {
  return sign_token(claims, *sample_key(TokenAlgorithm::es256)).value();
}

}  // namespace

TEST_CASE("a token of each algorithm is taken, by its kid and without one") {
  const TokenVerifier verifier(sample_keys(), {});
  for (const auto algorithm : kEach) {
    const TokenKeyPtr key = sample_key(algorithm);
    CHECK(verifier.verify(sign_token(sample_claims(), *key).value(), kNow).value() == sample_claims());
    const std::string header = R"({"alg":")" + std::string(name_of(algorithm)) + R"("})";
    CHECK(verifier.verify(signed_with(key, header), kNow).value() == sample_claims());
    CHECK(verifier.verify(
        signed_with(key, R"({"typ":"JWT","cty":"x","alg":")" + std::string(name_of(algorithm)) + "\"}"),
        kNow));
  }
}

TEST_CASE("without a kid every key of the algorithm is tried, and no other") {
  std::vector<TokenKeyPtr> keys{sample_key(TokenAlgorithm::rs256), sample_key(TokenAlgorithm::hs256)};
  for (std::size_t i = 0; i < TokenKeys::kPerAlgorithmMax; ++i)
    keys.push_back(TokenKey::generate(TokenAlgorithm::es256).value());
  const TokenVerifier verifier(keys_of(keys), {});
  for (std::size_t i = 2; i < keys.size(); ++i) {
    CHECK(verifier.verify(signed_with(keys[i], R"({"alg":"ES256"})"), kNow));
    CHECK(verifier.verify(sign_token(sample_claims(), *keys[i]).value(), kNow));
  }
  // A stranger's costs as many tries as there can be, and still ends within the time.
  const auto stranger = TokenKey::generate(TokenAlgorithm::es256, "es").value();
  CHECK(refusal(verifier, signed_with(stranger, R"({"alg":"ES256"})")) ==
        "token: the signature does not fit");
  CHECK(refusal(verifier, sign_token(sample_claims(), *stranger).value()) ==
        "token: no key here has its kid");
}

TEST_CASE("a verifier without private parts verifies all the same") {
  std::string jwks = "{\"keys\":[";
  for (const auto algorithm : kEach) {
    if (jwks.back() == '}') jwks += ',';
    append_jwk(jwks, *sample_key(algorithm));
  }
  jwks += "]}";
  bool was_private = false;
  const TokenVerifier verifier(TokenKeys::parse(jwks, KeepParts::verifying, &was_private).value(), {});
  CHECK(was_private);
  for (const auto algorithm : kEach) {
    CHECK(verifier.verify(sign_token(sample_claims(), *sample_key(algorithm)).value(), kNow));
    const TokenKeyPtr held = verifier.keys().find(sample_key(algorithm)->kid());
    CHECK(held->can_sign() == (algorithm == TokenAlgorithm::hs256));
  }
}

TEST_CASE("a token lives from nbf to exp, with a minute for clocks that disagree") {
  const TokenVerifier verifier(sample_keys(), {});
  TokenClaims claims = sample_claims();
  claims.expires = kNoon;
  CHECK(verifier.verify(token_of(claims), kNow + seconds(60) - std::chrono::microseconds(1)));
  CHECK(refusal(verifier, token_of(claims), kNow + seconds(60)) == "token: it has expired");
  claims.expires = kNoon + minutes(10);
  claims.not_before = kNoon + seconds(60);
  CHECK(verifier.verify(token_of(claims), kNow));
  CHECK(refusal(verifier, token_of(claims), kNow - seconds(1)) == "token: it is not valid yet");
  claims.not_before.reset();
  claims.issued = kNoon + seconds(60);
  CHECK(verifier.verify(token_of(claims), kNow));
  CHECK(refusal(verifier, token_of(claims), kNow - seconds(1)) ==
        "token: it was issued in the future; a clock is wrong");
  const TokenVerifier strict(sample_keys(), {.issuer = {}, .audience = {}, .leeway = seconds(0)});
  CHECK(refusal(strict, token_of(claims)) == "token: it was issued in the future; a clock is wrong");
  // The same is asked again of claims that were verified before.
  CHECK(verifier.judge(claims, kNow));
  CHECK(verifier.judge(claims, kNow + minutes(11)).error().code == ErrorCode::unauthenticated);
}

TEST_CASE("issuer and audience are as configured") {
  const TokenVerifier any(sample_keys(), {});
  const TokenVerifier ours(sample_keys(), {.issuer = "https://id.example", .audience = "prismbus"});
  TokenClaims claims = sample_claims();
  CHECK(refusal(ours, token_of(claims)) == "token: iss is not the issuer expected here");
  claims.issuer = "https://id.example.evil";
  CHECK(refusal(ours, token_of(claims)) == "token: iss is not the issuer expected here");
  CHECK(any.verify(token_of(claims), kNow));
  claims.issuer = "https://id.example";
  CHECK(refusal(ours, token_of(claims)) == "token: aud does not name this service");
  claims.audiences = {"Prismbus"};
  CHECK(refusal(ours, token_of(claims)) == "token: aud does not name this service");
  claims.audiences = {"prismbus"};
  CHECK(ours.verify(token_of(claims), kNow));
  claims.audiences = {"x", "prismbus"};
  CHECK(ours.verify(token_of(claims), kNow));
  // RFC 7519, 4.1.3: who does not find himself in `aud` refuses.
  CHECK(refusal(any, token_of(claims)) == "token: it is meant for an audience, and none is configured here");
}

TEST_CASE("what would not be read is not signed") {
  TokenClaims claims = sample_claims();
  claims.principal = "anonymous";
  CHECK(sign_token(claims, *sample_key(TokenAlgorithm::es256)).error().field == "sub");
  claims = sample_claims();
  claims.read.assign(2000, Pattern::parse(std::string(100, 'x')).value());
  CHECK(sign_token(claims, *sample_key(TokenAlgorithm::es256)).error().code == ErrorCode::too_large);
}

TEST_CASE("a refusal carries its reason, which is of a fixed set") {
  const TokenVerifier verifier(sample_keys(), {.issuer = "here", .audience = "prismbus"});
  const auto reason = [&](const TokenClaims& claims) {
    const auto judged = verifier.judge(claims, kNow);
    REQUIRE_FALSE(judged);
    REQUIRE(judged.error().reason);
    CHECK(kTokenFaultNames[static_cast<std::size_t>(token_fault_of(judged.error()))] ==
          *judged.error().reason);
    return *judged.error().reason;
  };
  TokenClaims claims = sample_claims();
  claims.issuer = "here", claims.audiences = {"prismbus"};
  CHECK(verifier.judge(claims, kNow));
  TokenClaims other = claims;
  other.expires = std::chrono::floor<seconds>(kNow) - minutes(2);
  CHECK(reason(other) == "expired");
  other = claims;
  other.not_before = std::chrono::floor<seconds>(kNow) + minutes(2);
  CHECK(reason(other) == "not_yet_valid");
  other = claims;
  other.issuer = "there";
  CHECK(reason(other) == "wrong_issuer");
  other = claims;
  other.audiences = {};
  CHECK(reason(other) == "wrong_audience");
  const auto stranger = TokenKey::generate(TokenAlgorithm::es256, "es").value();
  CHECK(verifier.verify(sign_token(claims, *stranger).value(), kNow).error().reason == "bad_signature");
  const auto nameless = TokenKey::generate(TokenAlgorithm::es256, "nobody's").value();
  CHECK(verifier.verify(sign_token(claims, *nameless).value(), kNow).error().reason == "unknown_key");
  CHECK(verifier.verify(signed_with(stranger, R"({"alg":"ES256"})"), kNow).error().reason == "bad_signature");
  CHECK(verifier.verify("a.b", kNow).error().reason == "malformed");
}
