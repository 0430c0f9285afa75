#include "proto/token/token_claims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "proto/token/strict_json.hpp"
#include "proto/token/token_fault.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

using std::chrono::sys_seconds;

constexpr std::size_t kAudiencesMax = 64, kPatternsMax = 1024;

tl::unexpected<Error> refused(std::string message) {
  return refuse_token(TokenFault::malformed, std::move(message));
}

Result<std::optional<sys_seconds>> time_claim(const JsonValue& claims, const char* name) {
  const JsonValue* value = claims.find(name);
  if (value == nullptr) return std::optional<sys_seconds>();
  const auto seconds = value->seconds();
  if (!seconds) return refused(fmt::format("token: {} is not a time in seconds", name));
  return std::optional(sys_seconds(std::chrono::seconds(*seconds)));
}

Result<void> take_times(const JsonValue& claims, TokenClaims& out) {
  const auto expires = time_claim(claims, "exp");
  const auto not_before = time_claim(claims, "nbf");
  const auto issued = time_claim(claims, "iat");
  for (const auto* time : {&expires, &not_before, &issued}) {
    if (!*time) return tl::unexpected<Error>(time->error());
  }
  if (!*expires) return refused("token: it has no exp, so it would never expire");
  out.expires = **expires;
  out.not_before = *not_before;
  out.issued = *issued;
  return {};
}

Result<void> take_names(const JsonValue& claims, TokenClaims& out) {
  const JsonValue* sub = claims.find("sub");
  if (sub == nullptr || !sub->is(JsonValue::Kind::text)) return refused("token: sub is missing or no string");
  out.principal = sub->text();
  if (!is_principal(out.principal)) return refused("token: sub is not a name of a principal");
  if (const JsonValue* iss = claims.find("iss")) {
    if (!iss->is(JsonValue::Kind::text)) return refused("token: iss is not a string");
    out.issuer = iss->text();
  }
  const JsonValue* aud = claims.find("aud");
  if (aud == nullptr) return {};
  if (aud->is(JsonValue::Kind::text)) {
    out.audiences.push_back(aud->text());
    return {};
  }
  if (!aud->is(JsonValue::Kind::array) || aud->items().size() > kAudiencesMax)
    return refused("token: aud is neither a string nor a short array of strings");
  for (const JsonValue& one : aud->items()) {
    if (!one.is(JsonValue::Kind::text))
      return refused("token: aud is neither a string nor a short array of strings");
    out.audiences.push_back(one.text());
  }
  return {};
}

Result<void> take_patterns(const JsonValue& list, std::vector<Pattern>& out) {
  const auto wrong = [] { return refused("token: prismbus holds something else than lists of patterns"); };
  if (!list.is(JsonValue::Kind::array) || list.items().size() > kPatternsMax) return wrong();
  for (const JsonValue& item : list.items()) {
    auto pattern = item.is(JsonValue::Kind::text) ? Pattern::parse(item.text()) : std::nullopt;
    if (!pattern) return wrong();
    out.push_back(std::move(*pattern));
  }
  return {};
}

// A member that is not known here might take rights away: it is refused, not passed over.
Result<void> take_rights(const JsonValue& claims, TokenClaims& out) {
  const JsonValue* rights = claims.find("prismbus");
  if (rights == nullptr) return {};
  if (!rights->is(JsonValue::Kind::object)) return refused("token: prismbus is not an object");
  for (std::size_t i = 0; i < rights->names().size(); ++i) {
    const std::string& name = rights->names()[i];
    auto* list = name == "read"    ? &out.read
                 : name == "write" ? &out.write
                 : name == "admin" ? &out.admin
                                   : nullptr;
    if (list == nullptr) return refused("token: prismbus has another member than read, write and admin");
    if (auto taken = take_patterns(rights->items()[i], *list); !taken) return taken;
  }
  return {};
}

}  // namespace

bool is_principal(std::string_view name) {
  return is_key(name) && name != "anonymous" && !name.starts_with('_');
}

Result<TokenClaims> decode_claims(std::string_view json) {
  const auto claims = parse_strict_json(json);
  if (!claims) return refused(fmt::format("token: the claims part {}", describe(claims.error())));
  if (!claims->is(JsonValue::Kind::object)) return refused("token: the claims part is not an object");
  TokenClaims out;
  for (const auto take : {take_times, take_names, take_rights}) {
    if (auto taken = take(*claims, out); !taken) return tl::unexpected<Error>(taken.error());
  }
  return out;
}

Result<std::string> encode_claims(const TokenClaims& claims) {
  if (!is_principal(claims.principal)) {
    return fail_field("sub",
                      "a principal has 1 to 255 bytes of text, is not `anonymous` and begins with no `_`");
  }
  std::string out = "{";
  const auto name = [&out](std::string_view member) {
    if (out.back() != '{') out.push_back(',');
    append_json_string(out, member);
    out.push_back(':');
  };
  const auto list = [&out](const auto& items, const auto& text_of) {
    out.push_back('[');
    for (const auto& item : items) {
      if (out.back() != '[') out.push_back(',');
      append_json_string(out, text_of(item));
    }
    out.push_back(']');
  };
  const auto time = [&](std::string_view member, sys_seconds at) {
    name(member);
    out += fmt::format("{}", at.time_since_epoch().count());
  };
  name("sub"), append_json_string(out, claims.principal);
  if (claims.issuer) name("iss"), append_json_string(out, *claims.issuer);
  const auto same = [](const std::string& text) -> const std::string& { return text; };
  if (claims.audiences.size() == 1) name("aud"), append_json_string(out, claims.audiences.front());
  if (claims.audiences.size() > 1) name("aud"), list(claims.audiences, same);
  if (claims.issued) time("iat", *claims.issued);
  if (claims.not_before) time("nbf", *claims.not_before);
  time("exp", claims.expires);
  if (!claims.read.empty() || !claims.write.empty() || !claims.admin.empty()) {
    name("prismbus");
    out.push_back('{');
    const auto text_of = [](const Pattern& pattern) { return pattern.text(); };
    if (!claims.read.empty()) name("read"), list(claims.read, text_of);
    if (!claims.write.empty()) name("write"), list(claims.write, text_of);
    if (!claims.admin.empty()) name("admin"), list(claims.admin, text_of);
    out.push_back('}');
  }
  out.push_back('}');
  return out;
}

}  // namespace prismbus
