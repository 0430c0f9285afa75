#include "publisher/command/token_inspect.hpp"

#include <fmt/format.h>

#include "proto/token/token_text.hpp"
#include "publisher/command/document_file.hpp"
#include "publisher/command/lifetime.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

using std::chrono::sys_seconds;

struct ReadToken {
  TokenHeader header;
  TokenClaims claims;
};

Result<ReadToken> read_unverified(std::string_view token) {
  const auto text = split_token(token);
  if (!text) return tl::unexpected<Error>(text.error());
  auto header = decode_header(text->header);
  if (!header) return tl::unexpected<Error>(header.error());
  auto claims = decode_claims_part(text->claims);
  if (!claims) return tl::unexpected<Error>(claims.error());
  return ReadToken{std::move(*header), std::move(*claims)};
}

// "valid", "expired", "not yet valid": by its times alone, without leeway.
std::string_view state_of(const TokenClaims& claims, Wall now) {
  if (now >= claims.expires) return "expired";
  return claims.not_before && now < *claims.not_before ? "not yet valid" : "valid";
}

std::string joined(const auto& items, const auto& text_of) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : " ") + std::string(text_of(item));
  return out.empty() ? "nothing" : out;
}

std::string time_line(sys_seconds at, Wall now) {
  return fmt::format("{}, {}", time_text(at), told_from_now(at, now));
}

void print_words(const ReadToken& token, bool verified, Wall now, Terminal& terminal) {
  const TokenClaims& claims = token.claims;
  const auto line = [&terminal](std::string_view name, const std::string& text) {
    terminal.out << fmt::format("{:<11}{}\n", name, printable(text));
  };
  const auto pattern_text = [](const Pattern& pattern) { return pattern.text(); };
  const auto same = [](const std::string& text) { return text; };
  line("principal", claims.principal);
  line("may read", joined(claims.read, pattern_text));
  line("may write", joined(claims.write, pattern_text));
  line("may admin", joined(claims.admin, pattern_text));
  if (claims.issuer) line("issuer", *claims.issuer);
  if (!claims.audiences.empty()) line("audience", joined(claims.audiences, same));
  if (claims.issued) line("issued", time_line(*claims.issued, now));
  if (claims.not_before) line("not before", time_line(*claims.not_before, now));
  line("expires", time_line(claims.expires, now));
  line("state", std::string(state_of(claims, now)));
  line("signature",
       fmt::format("{}{}, {}", name_of(token.header.algorithm),
                   token.header.kid ? " by key " + *token.header.kid : " by a key without a name",
                   verified ? "verified" : "not verified (--keys FILE does)"));
}

Value json_of(const ReadToken& token, bool verified, Wall now) {
  const TokenClaims& claims = token.claims;
  const auto list = [](const std::vector<Pattern>& patterns) {
    Value::Array out;
    for (const Pattern& pattern : patterns) out.push_back(Value::text(pattern.text()));
    return Value::array(std::move(out));
  };
  Fields out;
  out.field("ok", true).field("principal", claims.principal);
  out.field("read", list(claims.read)).field("write", list(claims.write)).field("admin", list(claims.admin));
  if (claims.issuer) out.field("issuer", *claims.issuer);
  if (!claims.audiences.empty()) {
    Value::Array audiences;
    for (const std::string& audience : claims.audiences) audiences.push_back(Value::text(audience));
    out.field("audience", Value::array(std::move(audiences)));
  }
  if (claims.issued) out.field("issued", to_micros(*claims.issued));
  if (claims.not_before) out.field("not_before", to_micros(*claims.not_before));
  out.field("expires", to_micros(claims.expires)).field("state", state_of(claims, now));
  out.field("alg", name_of(token.header.algorithm));
  if (token.header.kid) out.field("kid", *token.header.kid);
  return out.field("verified", verified).take();
}

}  // namespace

Outcome<std::string> read_token(const std::string& file, Terminal& terminal) {
  auto text = read_text(file, terminal.in);
  while (text && !text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return text;
}

Outcome<void> inspect_token(const InspectedToken& what, Invocation& in) {
  const auto text = read_token(what.file, in.terminal);
  if (!text) return tl::unexpected<Failure>(text.error());
  const auto token = read_unverified(*text);
  if (!token) return failed(token.error(), "token inspect");
  const Wall now = read_clock().wall;
  Result<void> verified;
  if (!what.keys.empty()) {
    auto keys = TokenKeys::load(what.keys, KeepParts::verifying);
    if (!keys) return failed_at_file(keys.error(), "token inspect");
    const auto claims = TokenVerifier(std::move(*keys), what.rules).verify(*text, now);
    if (!claims) verified = tl::unexpected<Error>(claims.error());
  }
  const bool good = verified && !what.keys.empty();
  if (in.globals.json) {  // one document: the token, or why it would be refused
    if (verified) print_json(in.terminal, json_of(*token, good, now));
  } else {
    print_words(*token, good, now, in.terminal);
  }
  if (!verified) return failed(verified.error(), "token inspect");
  return {};
}

}  // namespace prismbus::command
