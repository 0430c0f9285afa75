#include "proto/token/jwk.hpp"

#include <algorithm>
#include <array>

#include "proto/token/base64url.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

// The members of one kind of key. Everything here is base64url in the file.
struct KindRow {
  TokenAlgorithm algorithm;
  std::string_view kty;
  std::array<std::string_view, 2> open;
  std::array<std::string_view, 6> secret;
};
constexpr std::array<KindRow, 3> kKinds{{
    {TokenAlgorithm::hs256, "oct", {}, {"k"}},
    {TokenAlgorithm::rs256, "RSA", {"n", "e"}, {"d", "p", "q", "dp", "dq", "qi"}},
    {TokenAlgorithm::es256, "EC", {"x", "y"}, {"d"}},
}};

const KindRow& row_of(TokenAlgorithm algorithm) {
  return kKinds[static_cast<std::size_t>(algorithm)];
}

tl::unexpected<Error> wrong(std::string_view member, std::string why) {
  return fail_field(std::string(member), std::move(why));
}

Result<std::string> required_text(const JsonValue& jwk, std::string_view member) {
  const JsonValue* value = jwk.find(member);
  if (value == nullptr) return wrong(member, "is missing");
  if (!value->is(JsonValue::Kind::text)) return wrong(member, "is not a string");
  return value->text();
}

// base64url, as it stands in the file: no copy of it is made.
Result<std::string_view> encoded(const JsonValue& value, std::string_view member) {
  if (!value.is(JsonValue::Kind::text)) return wrong(member, "is not a string");
  if (value.has_escapes() || value.raw().empty() || value.raw().size() % 4 == 1)
    return wrong(member, "is not base64url");
  return value.raw();
}

Result<void> take_open(const JsonValue& jwk, std::string_view member, TokenKey::Parts& parts) {
  const JsonValue* value = jwk.find(member);
  if (value == nullptr) return wrong(member, "is missing");
  const auto text = encoded(*value, member);
  if (!text) return tl::unexpected<Error>(text.error());
  auto bytes = from_base64url(*text);
  if (!bytes) return wrong(member, "is not base64url");
  const bool number = member == "n" || member == "e";  // some writers put a zero byte before them
  if (number) bytes->erase(0, std::min(bytes->find_first_not_of('\0'), bytes->size()));
  parts.open.emplace_back(member, std::move(*bytes));
  return {};
}

Result<void> take_secret(const JsonValue& value, std::string_view member, TokenKey::Parts& parts) {
  const auto text = encoded(value, member);
  if (!text) return tl::unexpected<Error>(text.error());
  SecretBytes bytes(base64url_size(text->size()));
  if (!decode_base64url(*text, bytes.data())) return wrong(member, "is not base64url");
  parts.secret.emplace_back(member, std::move(bytes));
  return {};
}

Result<const KindRow*> kind_of(const JsonValue& jwk) {
  const auto alg = required_text(jwk, "alg");
  if (!alg) return tl::unexpected<Error>(alg.error());
  const auto algorithm = token_algorithm_named(*alg);
  if (!algorithm) return wrong("alg", "is none of HS256, RS256, ES256");
  const KindRow& row = row_of(*algorithm);
  const auto kty = required_text(jwk, "kty");
  if (!kty) return tl::unexpected<Error>(kty.error());
  if (*kty != row.kty) return wrong("kty", "is not a kind of key for this alg");
  if (*algorithm == TokenAlgorithm::es256) {
    const auto curve = required_text(jwk, "crv");
    if (!curve) return tl::unexpected<Error>(curve.error());
    if (*curve != "P-256") return wrong("crv", "is not P-256");
  }
  if (jwk.find("use") != nullptr) {
    const auto use = required_text(jwk, "use");
    if (!use || *use != "sig") return wrong("use", "is not sig");
  }
  return &row;
}

Result<std::string> kid_of(const JsonValue& jwk) {
  if (jwk.find("kid") == nullptr) return std::string();
  auto kid = required_text(jwk, "kid");
  if (kid && !is_key(*kid)) return wrong("kid", "is not 1 to 255 bytes of text");
  return kid;
}

}  // namespace

Result<DecodedJwk> decode_jwk(const JsonValue& jwk, KeepParts keep) {
  if (!jwk.is(JsonValue::Kind::object)) return wrong("", "is not an object");
  const auto kind = kind_of(jwk);
  if (!kind) return tl::unexpected<Error>(kind.error());
  auto kid = kid_of(jwk);
  if (!kid) return tl::unexpected<Error>(kid.error());
  const KindRow& row = **kind;
  if (jwk.find("oth") != nullptr) return wrong("oth", "RSA keys of more than two primes are not taken");
  DecodedJwk out;
  TokenKey::Parts parts;
  for (const std::string_view member : row.open) {
    if (member.empty()) break;
    if (auto taken = take_open(jwk, member, parts); !taken) return tl::unexpected<Error>(taken.error());
  }
  const bool needed = keep == KeepParts::all || row.algorithm == TokenAlgorithm::hs256;
  for (const std::string_view member : row.secret) {
    const JsonValue* value = member.empty() ? nullptr : jwk.find(member);
    if (value == nullptr) continue;
    out.was_private = true;
    if (!needed) continue;
    if (auto taken = take_secret(*value, member, parts); !taken) return tl::unexpected<Error>(taken.error());
  }
  if (row.algorithm != TokenAlgorithm::hs256 && !parts.secret.empty() && parts.secret.front().first != "d")
    return wrong("d", "is missing");
  auto key = TokenKey::make(row.algorithm, std::move(*kid), std::move(parts));
  if (!key) return tl::unexpected<Error>(key.error());
  out.key = std::move(*key);
  return out;
}

void append_jwk(std::string& out, const TokenKey& key) {
  const KindRow& row = row_of(key.algorithm());
  const auto text = [&out](std::string_view name, std::string_view value) {
    append_json_string(out, name);
    out.push_back(':');
    append_json_string(out, value);
  };
  const auto bytes = [&out](std::string_view name, std::string_view value) {
    out.push_back(',');
    append_json_string(out, name);
    out += ":\"";
    append_base64url(out, value);
    out.push_back('"');
  };
  out.push_back('{');
  text("kty", row.kty);
  out.push_back(',');
  text("alg", name_of(key.algorithm()));
  out += R"(,"use":"sig")";
  if (!key.kid().empty()) out.push_back(','), text("kid", key.kid());
  if (key.algorithm() == TokenAlgorithm::es256) out += R"(,"crv":"P-256")";
  for (const auto& [name, value] : key.parts().open) bytes(name, value);
  for (const auto& [name, value] : key.parts().secret) bytes(name, value.view());
  out.push_back('}');
}

std::size_t jwk_size(const TokenKey& key) {
  constexpr std::size_t kMember = 16;                     // quotes, name, comma
  std::size_t size = 8 * kMember + 6 * key.kid().size();  // escapes
  const auto add = [&size](std::size_t bytes) { size += kMember + bytes / 3 * 4 + 4; };
  for (const auto& [name, value] : key.parts().open) add(value.size());
  for (const auto& [name, value] : key.parts().secret) add(value.size());
  return size;
}

}  // namespace prismbus
