// Case A2: tokens that somebody made to get in. Every one is refused, with `unauthenticated`, a fixed
// message, and within a millisecond.
#include <openssl/ecdsa.h>

#include "proto/base/random.hpp"
#include "proto/token/base64url.hpp"
#include "proto/token/token_signature.hpp"
#include "tests/unit/proto/token/token_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

const TokenVerifier& verifier() {
  static const TokenVerifier all(sample_keys(), {});
  return all;
}

std::string refused(std::string_view token) {
  return refusal(verifier(), token);
}

std::string es_signed(std::string_view header) {
  return signed_with(sample_key(TokenAlgorithm::es256), header);
}

constexpr const char* kNoAlgorithm = "token: alg is none of HS256, RS256, ES256";
constexpr const char* kNoFit = "token: the signature does not fit";

}  // namespace

TEST_CASE("A2: `none` in any spelling is no algorithm, signed or not") {
  const std::string claims = to_base64url(kSampleClaims);
  for (const char* alg : {"none", "None", "NoNe", "NONE", "none ", "", "hs256", "HS384", "PS256", "ES256K",
                          "es256", "ES256\\u0000", "\\u0020ES256"}) {
    INFO(alg);
    const std::string header = R"({"alg":")" + std::string(alg) + R"(","typ":"JWT"})";
    CHECK(refused(to_base64url(header) + "." + claims + ".") == "token: it is not signed");
    CHECK(refused(to_base64url(header) + "." + claims + ".AAAA") == kNoAlgorithm);
    CHECK(refused(es_signed(header)) == kNoAlgorithm);
  }
}

TEST_CASE("A2: a missing alg, and one that is no string") {
  for (const char* header :
       {"{}", R"({"typ":"JWT"})", R"({"Alg":"ES256"})", R"({"alg":null})", R"({"alg":["ES256"]})",
        R"({"alg":["none","ES256"]})", R"({"alg":{"ES256":1}})", R"({"alg":256})", R"({"alg":true})"}) {
    INFO(header);
    CHECK(refused(es_signed(header)) == kNoAlgorithm);
  }
}

TEST_CASE("A2: HS256 with a public key as the secret, in every form it is written in") {
  const TokenKeyPtr rsa = sample_key(TokenAlgorithm::rs256), ec = sample_key(TokenAlgorithm::es256);
  const TokenVerifier no_secret(keys_of({ec, rsa}), {});
  for (const TokenKeyPtr& key : {rsa, ec}) {
    const std::string pem = public_pem(*key);
    for (const std::string& secret :
         {pem, pem.substr(0, pem.size() - 1), public_der(*key), std::string(key->open_part("n")),
          std::string(key->open_part("x")), key->thumbprint(), std::string()}) {
      const std::string token = hmac_token(secret, R"({"alg":"HS256"})");
      const std::string named = hmac_token(secret, R"({"alg":"HS256","kid":")" + key->kid() + "\"}");
      CHECK(refusal(no_secret, token) == "token: no key here has its alg");
      CHECK(refusal(no_secret, named) == "token: the key of its kid has another alg");
      CHECK(refused(token) == kNoFit);
      CHECK(refused(named) == "token: the key of its kid has another alg");
    }
  }
  // And the other way round: a signature of one key under the name of another.
  CHECK(refused(signed_with(rsa, R"({"alg":"ES256"})")) == kNoFit);
  CHECK(refused(signed_with(ec, R"({"alg":"RS256"})")) == kNoFit);
  CHECK(refused(signed_with(ec, R"({"alg":"ES256","kid":"rs"})")) ==
        "token: the key of its kid has another alg");
  CHECK(refused(signed_with(ec, R"({"alg":"RS256","kid":"rs"})")) == kNoFit);
}

TEST_CASE("A2: a kid is a name and nothing else") {
  const std::string huge(3000, 'k');
  for (const std::string& kid :
       {std::string("../../../../dev/null"), std::string("/etc/passwd"), std::string("es' OR '1'='1"),
        std::string("es\\u0000"), std::string("\\u0000"), std::string(), std::string("ES"),
        std::string("es "), std::string("%65s"), std::string("http://127.0.0.1/key"), huge}) {
    INFO(kid.substr(0, 40));
    CHECK(refused(es_signed(R"({"alg":"ES256","kid":")" + kid + "\"}")) == "token: no key here has its kid");
    // An empty secret is what a file that is not there would have been.
    CHECK(refused(hmac_token("", R"({"alg":"HS256","kid":")" + kid + "\"}")) ==
          "token: no key here has its kid");
  }
  CHECK(refused(es_signed(R"({"alg":"ES256","kid":")" + std::string(100'000, 'k') + "\"}")) ==
        "token: it is larger than 64 KiB");
  CHECK(refused(es_signed(R"({"alg":"ES256","kid":")" + std::string(10'000, 'k') + "\"}")) ==
        "token: its header is larger than 4 KiB");
  for (const char* kid : {"null", "1", "[\"es\"]", "{}"})
    CHECK(refused(es_signed(R"({"alg":"ES256","kid":)" + std::string(kid) + "}")) ==
          "token: kid is not a string");
  // The key without a name is not the one with an empty name.
  const TokenKeyPtr nameless = TokenKey::generate(TokenAlgorithm::hs256, "").value();
  CHECK_FALSE(nameless->kid().empty());
}

TEST_CASE("A2: keys and rules that come with the token are refused") {
  const TokenKeyPtr stranger = TokenKey::generate(TokenAlgorithm::es256, "mine").value();
  std::string jwk;
  append_jwk(jwk, *stranger);
  for (const std::string& member :
       {"\"jwk\":" + jwk, std::string(R"("jku":"https://evil.example/keys")"),
        std::string(R"("x5u":"file:///key.pem")"), std::string(R"("x5c":["MIIB"])"),
        std::string(R"("crit":["exp"])"), std::string(R"("crit":[])"), std::string(R"("jwk":null)"),
        std::string(R"("b64":false,"crit":["b64"])"), std::string(R"("\u006awk":1)")}) {
    INFO(member);
    const std::string header = R"({"alg":"ES256",)" + member + "}";
    CHECK(refused(signed_with(stranger, header)).ends_with(" in the header is refused"));
    CHECK(refused(es_signed(header)).ends_with(" in the header is refused"));
  }
  for (const char* typ : {"\"JOSE\"", "\"at+jwt\"", "\"jwt\"", "null", "[\"JWT\"]"})
    CHECK(refused(es_signed(R"({"alg":"ES256","typ":)" + std::string(typ) + "}")) == "token: typ is not JWT");
}

TEST_CASE("A2: an empty, cut, foreign or otherwise encoded signature") {
  const std::string token = es_token(kSampleClaims);
  const std::size_t dot = token.rfind('.');
  const std::string text = token.substr(0, dot), signature = from_base64url(token.substr(dot + 1)).value();
  CHECK(verifier().verify(token, kNow));
  CHECK(refused(text + ".") == "token: it is not signed");
  CHECK(refused(text) == "token: it is not three parts joined by dots");
  for (const std::size_t size : {1u, 31u, 32u, 33u, 63u})
    CHECK(refused(text + "." + to_base64url(signature.substr(0, size))) == kNoFit);
  CHECK(refused(text + "." + to_base64url(signature + '\0')) == kNoFit);
  CHECK(refused(text + "." + to_base64url(signature.substr(32) + signature.substr(0, 32))) == kNoFit);
  CHECK(refused(token + "=") == "token: the signature is not base64url");
  CHECK(refused(token + "A") == kNoFit);  // a byte more
  // r and s as DER, which is what OpenSSL calls a signature.
  ECDSA_SIG* numbers = ECDSA_SIG_new();
  const auto* raw = reinterpret_cast<const unsigned char*>(signature.data());
  ECDSA_SIG_set0(numbers, BN_bin2bn(raw, 32, nullptr), BN_bin2bn(raw + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(numbers, &der);
  CHECK(refused(text + "." + to_base64url({reinterpret_cast<char*>(der), static_cast<std::size_t>(size)})) ==
        kNoFit);
  OPENSSL_free(der);
  ECDSA_SIG_free(numbers);
  // CVE-2022-21449 and its like: numbers that no signature has.
  const std::string zero(32, '\0'), one = std::string(31, '\0') + '\x01', ones(32, '\xff');
  const std::string order =
      from_base64url("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE").value();  // n of P-256
  for (const std::string& r : {zero, one, order, ones, signature.substr(0, 32)}) {
    for (const std::string& s : {zero, one, order, ones})
      CHECK(refused(text + "." + to_base64url(r + s)) == kNoFit);
  }
  for (const std::size_t bytes : {1u, 255u, 256u, 384u, 385u, 4096u}) {
    const std::string rs = to_base64url(R"({"alg":"RS256"})") + "." + to_base64url(kSampleClaims);
    CHECK(refused(rs + "." + to_base64url(std::string(bytes, '\0'))) == kNoFit);
    CHECK(refused(rs + "." + to_base64url(std::string(bytes, '\xff'))) == kNoFit);
    CHECK(refused(rs + "." + to_base64url(random_bytes(bytes))) == kNoFit);
  }
}

TEST_CASE("A2: each bit of header, claims and signature counts") {
  for (const auto algorithm : {TokenAlgorithm::hs256, TokenAlgorithm::es256}) {
    const std::string token = sign_token(sample_claims(), *sample_key(algorithm)).value();
    for (std::size_t i = 0; i < token.size(); i += 5) {
      std::string other = token;
      other[i] = other[i] == 'A' ? 'B' : 'A';
      if (token[i] != '.') CHECK_FALSE(verifier().verify(other, kNow));
      CHECK_FALSE(verifier().verify(token.substr(0, i), kNow));
    }
  }
}

TEST_CASE("A2: parts that are no token") {
  const std::string huge(1u << 20, 'A');
  CHECK(refused(huge) == "token: it is larger than 64 KiB");
  CHECK(refused(huge + "." + huge + "." + huge) == "token: it is larger than 64 KiB");
  CHECK(refused("") == "token: it is empty");
  for (const char* text : {".", "a", "a.b", "a.b.c.d", "....", "a..b.c"})
    CHECK(refused(text) == "token: it is not three parts joined by dots");
  for (const char* text : {"..", "..c", "a.b."}) CHECK_FALSE(refused(text).empty());
  CHECK(refused(std::string(65'536, '.')) == "token: it is not three parts joined by dots");
  CHECK(refused("Bearer " + es_token(kSampleClaims)) == "token: the header is not base64url");
  CHECK(refused(" " + es_token(kSampleClaims)) == "token: the header is not base64url");
  CHECK(refused(es_token(kSampleClaims) + "\n") == "token: the signature is not base64url");
  CHECK(refused("{\"payload\":\"e30\",\"signatures\":[]}") == "token: it is not three parts joined by dots");
  for (int i = 0; i < 200; ++i) CHECK_FALSE(refused(random_bytes(static_cast<std::size_t>(i) * 7)).empty());
}

TEST_CASE("A2: doubled members, deep nesting, and base64url that is not the one form") {
  CHECK(refused(es_signed(R"({"alg":"none","alg":"ES256"})")) == "token: the header names a member twice");
  CHECK(refused(es_signed(R"({"alg":"ES256","\u0061lg":"none"})")) ==
        "token: the header names a member twice");
  CHECK(refused(es_signed(R"({"alg":"ES256","kid":"es","kid":"rs"})")) ==
        "token: the header names a member twice");
  CHECK(refused(es_token(R"({"sub":"alice","sub":"admin","exp":1800003600})")) ==
        "token: the claims part names a member twice");
  CHECK(refused(es_token(R"({"sub":"a","exp":1,"exp":1900000000})")) ==
        "token: the claims part names a member twice");
  CHECK(refused(es_token(R"({"sub":"a","exp":1800003600,"prismbus":{"read":[],"read":["**"]}})")) ==
        "token: the claims part names a member twice");
  CHECK(refused(to_base64url(std::string(3000, '[')) + ".e30.AAAA") ==
        "token: the header is nested too deep");
  CHECK(refused(es_token(std::string(40'000, '['))) == "token: the claims part is nested too deep");
  CHECK(refused(es_token("{\"a\":" + std::string(20'000, '{'))).starts_with("token: the claims part"));
  std::string many = R"({"sub":"a","exp":1800003600,"x":[0)";
  for (int i = 0; i < 20'000; ++i) many += ",0";
  CHECK(refused(es_token(many + "]}")) == "token: the claims part holds too many values");
  std::string names = R"({"sub":"a","exp":1800003600)";
  for (int i = 0; i < 4'000; ++i) names += ",\"" + std::to_string(i) + "\":0";
  CHECK(verifier().verify(es_token(names + "}"), kNow));
  // Stray bits and padding: another text for the same bytes is another token.
  const std::string header = R"({"alg":"ES256"} )";  // 16 bytes: its last character has four bits to spare
  const std::string sound = es_signed(header);
  CHECK(verifier().verify(sound, kNow));
  std::string stray = sound;
  stray[21] = static_cast<char>(stray[21] + 1);
  CHECK(refused(stray) == "token: the header is not base64url");
  CHECK(refused(to_base64url(header) + "==" + sound.substr(22)) == "token: the header is not base64url");
}

TEST_CASE("A2: a header or claims in other encodings, and principals that look like others") {
  CHECK(refused(es_signed("\xef\xbb\xbf{\"alg\":\"ES256\"}")) == "token: the header is not JSON");
  CHECK(refused(es_signed(std::string_view("{\0\"\0", 4))) == "token: the header is not JSON");
  CHECK(refused(es_signed("\"ES256\"")) == "token: the header is not an object");
  CHECK(refused(es_signed("[]")) == "token: the header is not an object");
  const auto sub = [](const std::string& name) {
    return es_token(R"({"exp":1800003600,"sub":")" + name + "\"}");
  };
  for (const char* name : {"admin\\u0000", "anon\\u0079mous", "\\u005fsystem", "a\\u000d\\u000aevent=x", "",
                           "\\u001b]0;x\\u0007"}) {
    INFO(name);
    CHECK(refused(sub(name)) == "token: sub is not a name of a principal");
  }
  for (const char* name : {"\\ud800", "\\udfff\\ud800", "\xff", "\xc0\xaf", "\xed\xa0\x80", "a\nb"}) {
    INFO(name);
    CHECK(refused(sub(name)) == "token: the claims part is not JSON");
  }
  // Look-alikes are accepted as what they are, and are nobody else.
  for (const char* name : {"\xd0\xb0"
                           "dmin",
                           "ADMIN", "admin ",
                           "\xef\xbd\x81"
                           "dmin",
                           "admin\xe2\x80\x8b"})
    CHECK(verifier().verify(sub(name), kNow).value().principal != "admin");
}

TEST_CASE("A2: expired, not valid yet, without an end, for somebody else") {
  const auto claims = [](const std::string& members) { return es_token("{\"sub\":\"a\"," + members + "}"); };
  CHECK(refused(claims("\"exp\":1700000000")) == "token: it has expired");
  CHECK(refused(claims("\"exp\":1799999940")) == "token: it has expired");
  CHECK(refused(claims("\"exp\":0")) == "token: it has expired");
  CHECK(refused(claims("\"exp\":-1")) == "token: exp is not a time in seconds");
  CHECK(refused(claims("\"exp\":18446744073709551615")) == "token: exp is not a time in seconds");
  CHECK(refused(claims("\"exp\":1e400")) == "token: exp is not a time in seconds");
  CHECK(refused(claims("\"iat\":1")) == "token: it has no exp, so it would never expire");
  CHECK(refused(claims("\"exp\":1800003600,\"nbf\":1800000061")) == "token: it is not valid yet");
  CHECK(refused(claims("\"exp\":1800003600,\"nbf\":253402300799")) == "token: it is not valid yet");
  CHECK(refused(claims("\"exp\":1800003600,\"aud\":[\"other\"]")) ==
        "token: it is meant for an audience, and none is configured here");
}
