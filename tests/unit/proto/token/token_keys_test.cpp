// Key files: what goes in comes out, and what is refused, with the file and the member in the error and
// nothing of the key.
#include "proto/token/token_keys.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "proto/token/base64url.hpp"
#include "tests/unit/proto/token/token_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

class Scratch {
 public:
  Scratch() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string file() const { return path_ + "/tokens.jwks"; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string put(const std::string& text, mode_t mode = 0600) const {
    std::filesystem::remove(file());
    std::ofstream(file(), std::ios::binary) << text;
    REQUIRE(::chmod(file().c_str(), mode) == 0);
    return file();
  }

 private:
  std::string path_ = "/tmp/prismbus-keys-XXXXXX";
};

constexpr std::string_view kSecret = "q7vW0yJtXnZc3LdEoAfKpRsUhGiMbNeD5T9xQ2wY8Bk";  // 32 bytes

std::string oct(std::string_view k = kSecret, std::string_view more = "") {
  return R"({"kty":"oct","alg":"HS256","k":")" + std::string(k) + "\"" + std::string(more) + "}";
}
std::string set_of(const std::string& keys) {
  return "{\"keys\":[" + keys + "]}";
}
std::string jwk_of(TokenAlgorithm algorithm, bool with_private) {
  std::string out;
  const TokenKeyPtr key = sample_key(algorithm);
  if (with_private) {
    append_jwk(out, *key);
    return out;
  }
  TokenKey::Parts parts;
  parts.open = key->parts().open;
  append_jwk(out, *TokenKey::make(algorithm, key->kid(), std::move(parts)).value());
  return out;
}

Error refusal_of(const std::string& path) {
  const auto keys = TokenKeys::load(path, KeepParts::all);
  REQUIRE_FALSE(keys);
  CHECK(keys.error().message.find(path) != std::string::npos);
  CHECK(keys.error().message.find(kSecret.substr(0, 6)) == std::string::npos);
  return keys.error();
}

std::string field_of(const std::string& jwks) {
  const auto keys = TokenKeys::parse(jwks, KeepParts::all);
  REQUIRE_FALSE(keys);
  CHECK(keys.error().code == ErrorCode::invalid_argument);
  CHECK(keys.error().message.find(kSecret.substr(0, 6)) == std::string::npos);
  return keys.error().field.value_or("none");
}

}  // namespace

TEST_CASE("keys that are saved are loaded, in their order, and sign and verify as before") {
  const Scratch scratch;
  const TokenKeys keys = sample_keys();
  REQUIRE(keys.save(scratch.file()));
  CHECK((std::filesystem::status(scratch.file()).permissions() & std::filesystem::perms::all) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  const auto loaded = TokenKeys::load(scratch.file(), KeepParts::all).value();
  REQUIRE(loaded.all().size() == 3);
  const TokenVerifier verifier(keys, {}), again(loaded, {});
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(loaded.all()[i]->kid() == keys.all()[i]->kid());
    CHECK(again.verify(sign_token(sample_claims(), *keys.all()[i]).value(), kNow));
    CHECK(verifier.verify(sign_token(sample_claims(), *loaded.all()[i]).value(), kNow));
  }
  REQUIRE(loaded.save(scratch.file()));  // in place of what is there
  CHECK(TokenKeys::load(scratch.file(), KeepParts::verifying).value().all().size() == 3);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(scratch.path())) ++files;
  CHECK(files == 1);
}

TEST_CASE("the first key signs: a new one comes first, an old one can be retired, the last one not") {
  TokenKeys keys = keys_of({sample_key(TokenAlgorithm::es256)});
  REQUIRE(keys.add_first(sample_key(TokenAlgorithm::hs256)));
  CHECK(keys.all().front()->kid() == "hs");
  CHECK(keys.add_first(sample_key(TokenAlgorithm::hs256)).error().code == ErrorCode::conflict);
  CHECK(keys.retire("nobody").error().code == ErrorCode::not_found);
  CHECK(keys.retire("").error().code == ErrorCode::not_found);
  REQUIRE(keys.retire("es"));
  CHECK(keys.find("es") == nullptr);
  CHECK(keys.retire("hs").error().code == ErrorCode::conflict);
  for (std::size_t i = 1; i < TokenKeys::kPerAlgorithmMax; ++i)
    REQUIRE(keys.add_first(TokenKey::generate(TokenAlgorithm::hs256).value()));
  CHECK(keys.add_first(TokenKey::generate(TokenAlgorithm::hs256).value()).error().code ==
        ErrorCode::too_large);
}

TEST_CASE("A9: a file with private keys is this user's alone; one with public keys may be read") {
  const Scratch scratch;
  for (const std::string& text :
       {set_of(oct()), set_of(jwk_of(TokenAlgorithm::es256, true)),
        set_of(jwk_of(TokenAlgorithm::es256, false) + "," + jwk_of(TokenAlgorithm::rs256, true))}) {
    CHECK(TokenKeys::load(scratch.put(text, 0400), KeepParts::all));
    for (const mode_t mode : {0644, 0640, 0604, 0620, 0602, 0610, 0666}) {
      INFO(std::oct << mode);
      CHECK(refusal_of(scratch.put(text, mode)).code == ErrorCode::invalid_argument);
      CHECK_FALSE(TokenKeys::load(scratch.file(), KeepParts::verifying));  // it is open, whoever reads it
    }
  }
  const std::string open =
      set_of(jwk_of(TokenAlgorithm::es256, false) + "," + jwk_of(TokenAlgorithm::rs256, false));
  for (const mode_t mode : {0644, 0444, 0600})
    CHECK(TokenKeys::load(scratch.put(open, mode), KeepParts::all));
  for (const mode_t mode : {0666, 0664, 0646})
    CHECK(refusal_of(scratch.put(open, mode)).code == ErrorCode::invalid_argument);
}

TEST_CASE("A9: a link, another kind of file, another owner, a huge file are refused") {
  const Scratch scratch;
  const std::string path = scratch.put(set_of(oct()));
  std::filesystem::create_symlink(path, scratch.path() + "/link");
  CHECK(refusal_of(scratch.path() + "/link").code == ErrorCode::invalid_argument);
  CHECK(refusal_of(scratch.path()).code == ErrorCode::invalid_argument);
  REQUIRE(::mkfifo((scratch.path() + "/pipe").c_str(), 0600) == 0);
  CHECK(refusal_of(scratch.path() + "/pipe").code == ErrorCode::invalid_argument);
  CHECK(refusal_of(scratch.path() + "/none").code == ErrorCode::not_found);
  CHECK(refusal_of(scratch.put(set_of(oct()) + std::string(TokenKeys::kFileBytesMax, ' '))).code ==
        ErrorCode::too_large);
  if (::geteuid() != 0) return;
  REQUIRE(::chown(scratch.put(set_of(oct())).c_str(), 65534, 65534) == 0);
  CHECK(refusal_of(path).code == ErrorCode::invalid_argument);
}

TEST_CASE("A9: secrets that are short, alike or well known are refused, by the member's name") {
  CHECK(field_of(set_of(oct(to_base64url("too short")))) == "keys[0].k");
  CHECK(field_of(set_of(oct(to_base64url(std::string(31, 'x'))))) == "keys[0].k");
  CHECK(field_of(set_of(oct(to_base64url(std::string(32, '\0'))))) == "keys[0].k");
  CHECK(field_of(set_of(oct(to_base64url("changemechangemechangemechangeme")))) == "keys[0].k");
  CHECK(field_of(set_of(oct(std::string(kSecret) + "="))) == "keys[0].k");
  CHECK(field_of(set_of(oct("\\u0041" + std::string(kSecret)))) == "keys[0].k");
  CHECK(field_of(set_of(oct(""))) == "keys[0].k");
  CHECK(field_of(set_of(R"({"kty":"oct","alg":"HS256"})")) == "keys[0].k");
  CHECK(field_of(set_of(R"({"kty":"oct","alg":"HS256","k":7})")) == "keys[0].k");
}

TEST_CASE("each key has its alg and a kid of its own, and what stands there belongs together") {
  CHECK(field_of(set_of(oct(kSecret, R"(,"kid":"a")") + "," + oct(kSecret, R"(,"kid":"a")"))) ==
        "keys[1].kid");
  CHECK(TokenKeys::parse(set_of(oct() + "," + oct()), KeepParts::all));  // without names
  CHECK(field_of(set_of(R"({"kty":"oct","k":")" + std::string(kSecret) + "\"}")) == "keys[0].alg");
  const std::string k = R"(,"k":")" + std::string(kSecret) + "\"}";
  for (const char* alg : {"\"HS512\"", "\"none\"", "[\"HS256\"]", "null", "\"hs256\""})
    CHECK(field_of(set_of(R"({"kty":"oct","alg":)" + std::string(alg) + k)) == "keys[0].alg");
  CHECK(field_of(set_of(R"({"kty":"RSA","alg":"HS256")" + k)) == "keys[0].kty");
  CHECK(field_of(set_of(R"({"kty":"oct","alg":"RS256")" + k)) == "keys[0].kty");
  CHECK(field_of(set_of(R"({"alg":"HS256")" + k)) == "keys[0].kty");
  CHECK(field_of(set_of(oct(kSecret, R"(,"use":"enc")"))) == "keys[0].use");
  CHECK(field_of(set_of(oct(kSecret, R"(,"kid":"")"))) == "keys[0].kid");
  CHECK(field_of(set_of(oct(kSecret, R"(,"kid":"a\nb")"))) == "keys[0].kid");
  CHECK(field_of(set_of(oct(kSecret, R"(,"kid":1)"))) == "keys[0].kid");
  CHECK(TokenKeys::parse(set_of(oct(kSecret, R"(,"use":"sig","key_ops":["sign"],"nbf":1)")), KeepParts::all));
  CHECK(field_of(set_of(R"({"kty":"EC","alg":"ES256","crv":"P-384","x":"AA","y":"AA"})")) == "keys[0].crv");
  CHECK(field_of(set_of(R"({"kty":"EC","alg":"ES256","x":"AA","y":"AA"})")) == "keys[0].crv");
  std::string rsa_1024 = R"({"kty":"RSA","alg":"RS256","e":"AQAB","n":")";
  rsa_1024 +=
      to_base64url(std::string(sample_key(TokenAlgorithm::rs256)->open_part("n").substr(0, 127)) + '\x01') +
      "\"}";
  CHECK(field_of(set_of(rsa_1024)) == "keys[0].n");
  CHECK(field_of(set_of("7")) == "keys[0]");
}

TEST_CASE("text that is no key set is refused") {
  for (const char* text : {"{\"keys\":{}}", "{}", "{\"keys\":[]}", "{\"kty\":\"oct\"}"})
    CHECK(field_of(text) == "keys");
  for (const char* text : {"", "null,", "-----BEGIN PUBLIC KEY-----"})
    CHECK(TokenKeys::parse(text, KeepParts::all).error().message == "is not JSON");
  CHECK(TokenKeys::parse(R"({"keys":[],"keys":[]})", KeepParts::all).error().message ==
        "names a member twice");
  CHECK(TokenKeys::parse(set_of(oct(kSecret, R"(,"k":"x")")), KeepParts::all).error().message ==
        "names a member twice");
  std::string many = oct();
  for (std::size_t i = 0; i < TokenKeys::kPerAlgorithmMax; ++i) many += "," + oct();
  CHECK(field_of(set_of(many)) == "keys[4].alg");
}
