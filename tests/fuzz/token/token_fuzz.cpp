// Any bytes as a token, as a header and claims that are properly signed (two texts with a line end between
// them), as claims, as JSON held against nlohmann's, as base64url and as a key file. Whatever is accepted
// obeys the rules, and is written and read again as the same.
#include <nlohmann/json.hpp>

#include "proto/token/base64url.hpp"
#include "proto/token/strict_json.hpp"
#include "proto/token/token_signer.hpp"
#include "proto/token/token_text.hpp"
#include "proto/token/token_verifier.hpp"
#include "proto/wire/names.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;

namespace {

constexpr Wall kNow{std::chrono::seconds(1'800'000'000)};

TokenKeys fixed_keys() {
  const auto keys = TokenKeys::parse(
      R"({"keys":[{"kty":"oct","alg":"HS256","kid":"hs","k":"q7vW0yJtXnZc3LdEoAfKpRsUhGiMbNeD5T9xQ2wY8Bk"},
         {"kty":"EC","alg":"ES256","kid":"es","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
          "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})",
      KeepParts::all);
  FUZZ_CHECK(keys);
  return *keys;
}

void check_claims(const Result<TokenClaims>& claims) {
  if (!claims) {
    FUZZ_CHECK(claims.error().code == ErrorCode::unauthenticated &&
               claims.error().message.starts_with("token: "));
    return;
  }
  FUZZ_CHECK(is_key(claims->principal) && claims->principal != "anonymous" && claims->principal[0] != '_');
  const auto text = encode_claims(*claims);
  FUZZ_CHECK(text);
  const auto again = decode_claims(*text);
  FUZZ_CHECK(again && *again == *claims);
}

void check_json(std::string_view bytes) {
  const auto ours = parse_strict_json(bytes);
  if (!ours && ours.error() != JsonMistake::malformed) return;
  // There a byte order mark is passed over, and a NUL byte ends the text; 1e999 is no number there, and one
  // without a use here.
  if (bytes.starts_with("\xef\xbb\xbf") || bytes.find('\0') != std::string_view::npos) {
    FUZZ_CHECK(!ours);
    return;
  }
  const auto theirs = nlohmann::json::parse(bytes, nullptr, false);
  if (ours && theirs.is_discarded())
    FUZZ_CHECK(bytes.find_first_of("eE0123456789") != std::string_view::npos);
  if (!ours) FUZZ_CHECK(theirs.is_discarded());
  if (!ours || theirs.is_discarded()) return;
  FUZZ_CHECK(theirs.is_object() == ours->is(JsonValue::Kind::object));
  if (ours->is(JsonValue::Kind::text)) FUZZ_CHECK(theirs.get<std::string>() == ours->text());
  for (std::size_t i = 0; i < ours->names().size(); ++i) {
    FUZZ_CHECK(theirs.contains(ours->names()[i]));
    const JsonValue& value = ours->items()[i];
    if (value.is(JsonValue::Kind::text))
      FUZZ_CHECK(theirs[ours->names()[i]].get<std::string>() == value.text());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TokenVerifier verifier(fixed_keys(), {});
  const std::string_view bytes = fuzz::as_bytes(data, size);
  FUZZ_CHECK(!verifier.verify(bytes, kNow));  // nobody guesses a signature
  check_claims(decode_claims(bytes));
  check_json(bytes);
  if (const auto decoded = from_base64url(bytes)) FUZZ_CHECK(to_base64url(*decoded) == bytes);
  if (const auto header = decode_header(bytes)) FUZZ_CHECK(!header->kid || is_utf8(*header->kid));

  const auto split = bytes.find('\n');
  if (split != std::string_view::npos) {
    const auto token =
        sign_text(bytes.substr(0, split), bytes.substr(split + 1), *verifier.keys().all().front());
    FUZZ_CHECK(token);
    const auto claims = verifier.verify(*token, kNow);
    check_claims(claims);
    if (claims) FUZZ_CHECK(claims->expires + std::chrono::seconds(60) > kNow && claims->audiences.empty());
  }
  if (const auto keys = TokenKeys::parse(bytes, KeepParts::all)) {
    FUZZ_CHECK(!keys->all().empty());
    for (const auto& key : keys->all()) FUZZ_CHECK(key->bits() >= 256);
  }
  return 0;
}
