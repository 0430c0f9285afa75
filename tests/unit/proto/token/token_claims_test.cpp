// Claims: each rule of section 7 of the contract, and that what is written is read.
#include "proto/token/token_claims.hpp"

#include "tests/unit/proto/token/token_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

std::string refused(std::string_view json) {
  const auto claims = decode_claims(json);
  CHECK_FALSE(claims);
  if (claims) return "";
  CHECK(claims.error().code == ErrorCode::unauthenticated);
  return claims.error().message;
}

std::string with_sub(std::string_view sub) {
  return R"({"exp":1800003600,"sub":")" + std::string(sub) + "\"}";
}
std::string with(std::string_view members) {
  return R"({"sub":"a","exp":1800003600,)" + std::string(members) + "}";
}

}  // namespace

TEST_CASE("what is written is read, every claim of it") {
  TokenClaims claims = sample_claims();
  CHECK(decode_claims(encode_claims(claims).value()).value() == claims);
  claims.principal = "svc \"\xc3\xa9\\ /1";
  claims.write = {Pattern::parse("md.okx").value(), Pattern::parse("**").value()};
  claims.admin = {Pattern::parse("_system.**").value()};
  claims.not_before = kNoon;
  claims.issued = kNoon;
  claims.issuer = "https://id.example";
  for (const auto& audiences : {std::vector<std::string>{"one"}, {"one", "two"}}) {
    claims.audiences = audiences;
    CHECK(decode_claims(encode_claims(claims).value()).value() == claims);
  }
  claims.principal = "_root";
  CHECK(encode_claims(claims).error().field == "sub");
}

TEST_CASE("sub is a principal: a key's rule, not anonymous, not the broker's own") {
  for (const char* sub :
       {"alice", "svc/gateway-1", "\u0430dmin", "Anonymous", "anonymous ", "a b", "\\u0041"})
    CHECK(decode_claims(with_sub(sub)));
  for (const char* sub : {"", "anonymous", "_system", "_", "a\\u0000b", "a\\nb", "\\u001b[2J", "\\u007f",
                          "anon\\u0079mous", "\\u005fsystem"}) {
    INFO(sub);
    CHECK(refused(with_sub(sub)) == "token: sub is not a name of a principal");
  }
  CHECK(decode_claims(with_sub(std::string(255, 'a'))));
  CHECK(refused(with_sub(std::string(256, 'a'))) == "token: sub is not a name of a principal");
  CHECK(refused(R"({"exp":1800003600})") == "token: sub is missing or no string");
  CHECK(refused(R"({"exp":1800003600,"sub":["alice"]})") == "token: sub is missing or no string");
  CHECK(refused(R"({"exp":1800003600,"sub":7})") == "token: sub is missing or no string");
  // Nothing is normalised: é in one piece or in two are two principals.
  CHECK(decode_claims(with_sub("\\u00e9")).value().principal !=
        decode_claims(with_sub("e\\u0301")).value().principal);
}

TEST_CASE("times are plain numbers, and one has to end it") {
  CHECK(refused(R"({"sub":"a"})") == "token: it has no exp, so it would never expire");
  for (const char* exp :
       {"\"1800003600\"", "null", "true", "-1", "1e99", "9e9", "99999999999999999999", "[1]", "{}"}) {
    CHECK(refused(R"({"sub":"a","exp":)" + std::string(exp) + "}") == "token: exp is not a time in seconds");
    CHECK(refused(with(R"("nbf":)" + std::string(exp))) == "token: nbf is not a time in seconds");
    CHECK(refused(with(R"("iat":)" + std::string(exp))) == "token: iat is not a time in seconds");
  }
  CHECK(decode_claims(with(R"("nbf":1.5,"iat":0)")).value().not_before ==
        std::chrono::sys_seconds(std::chrono::seconds(1)));
}

TEST_CASE("prismbus holds lists of patterns and nothing else") {
  CHECK(decode_claims(with(R"("prismbus":{})")));
  CHECK(decode_claims(with(R"("prismbus":{"read":[],"write":["**"],"admin":["a.b.**"]})")));
  CHECK(refused(with(R"("prismbus":[])")) == "token: prismbus is not an object");
  CHECK(refused(with(R"("prismbus":null)")) == "token: prismbus is not an object");
  CHECK(refused(with(R"("prismbus":"**")")) == "token: prismbus is not an object");
  CHECK(refused(with(R"("prismbus":{"deny":["**"]})")) ==
        "token: prismbus has another member than read, write and admin");
  for (const char* list : {"\"**\"", "null", "{}", "[1]", "[null]", "[\"*\"]", "[\"a.*\"]", "[\"\"]",
                           "[[\"a\"]]", "[\"a\",\"b..c\"]", "[\"%2a%2a\"]"}) {
    INFO(list);
    CHECK(refused(with(R"("prismbus":{"read":)" + std::string(list) + "}")) ==
          "token: prismbus holds something else than lists of patterns");
  }
}

TEST_CASE("aud and iss have their forms, unknown claims are passed over") {
  CHECK(decode_claims(with(R"("aud":"x")")).value().audiences == std::vector<std::string>{"x"});
  CHECK(decode_claims(with(R"("aud":["x","y"])")).value().audiences.size() == 2);
  for (const char* aud : {"1", "null", "{}", "[1]", "[\"a\",null]"})
    CHECK_FALSE(refused(with(R"("aud":)" + std::string(aud))).empty());
  CHECK(refused(with(R"("iss":["x"])")) == "token: iss is not a string");
  CHECK(decode_claims(with(R"("scope":"a b","realm_access":{"roles":["x",{"y":[1,2.5]}]},"jti":"7")")));
}

TEST_CASE("claims that are no object of their own are refused") {
  CHECK(refused("") == "token: the claims part is not JSON");
  CHECK(refused("[]") == "token: the claims part is not an object");
  CHECK(refused("\"alice\"") == "token: the claims part is not an object");
  CHECK(refused(R"({"sub":"a","sub":"b","exp":1800003600})") ==
        "token: the claims part names a member twice");
  CHECK(refused(R"({"sub":"a","exp":1800003600,"\u0073ub":"b"})") ==
        "token: the claims part names a member twice");
  CHECK(refused(with(R"("x":)" + std::string(50, '[') + std::string(50, ']'))) ==
        "token: the claims part is nested too deep");
}
