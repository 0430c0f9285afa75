#include "publisher/command/token_revoke.hpp"

#include <fmt/format.h>

#include "proto/token/token_text.hpp"
#include "publisher/command/moment.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/token_inspect.hpp"

namespace prismbus::command {
namespace {

constexpr const char* kRevoked = "_system.revoked";

struct Revocation {
  std::string key, told;  // what was revoked, for people
  Value::Map fields;
};

Outcome<Revocation> of_principal(const RevokedTokens& what) {
  if (!is_principal(what.sub)) return misused("--sub", "no token speaks for such a principal");
  Wall before = read_clock().wall;
  if (!what.before.empty()) {
    const auto moment = parse_moment(what.before, "--before");
    if (!moment) return tl::unexpected<Failure>(moment.error());
    if (!moment->time)
      return misused("--before", "a time, not a revision: tokens know only when they were issued");
    before = *moment->time;
  }
  return Revocation{"sub/" + what.sub,
                    fmt::format("tokens of {} issued until {}", printable(what.sub), time_text(before)),
                    {{Value::text("before"), Value::integer(static_cast<std::int64_t>(to_micros(before)))}}};
}

Outcome<Revocation> of_one(const RevokedTokens& what, Terminal& terminal) {
  const auto token = read_token(what.file, terminal);
  if (!token) return tl::unexpected<Failure>(token.error());
  const auto text = split_token(*token);
  const auto claims =
      text ? decode_claims_part(text->claims) : Result<TokenClaims>(tl::unexpected<Error>(text.error()));
  if (!claims) return failed(claims.error(), "token revoke");
  return Revocation{
      "token/" + token_hash(*token),
      fmt::format("a token of {}, which expires {}", printable(claims->principal),
                  time_text(claims->expires)),
      {{Value::text("expires"), Value::integer(static_cast<std::int64_t>(to_micros(claims->expires)))}}};
}

}  // namespace

Outcome<void> revoke_tokens(const RevokedTokens& what, Invocation& in) {
  if (what.file.empty() == what.sub.empty())
    return misused("", "token revoke: name a token's file, or --sub NAME");
  if (!what.file.empty() && !what.before.empty()) return misused("--before", "is for --sub");
  auto revocation = what.sub.empty() ? of_one(what, in.terminal) : of_principal(what);
  if (!revocation) return tl::unexpected<Failure>(revocation.error());
  if (!what.reason.empty()) revocation->fields.push_back({Value::text("reason"), Value::text(what.reason)});
  auto session = Session::open(in.globals);
  if (!session) return tl::unexpected<Failure>(session.error());
  const auto done =
      session->wait(session->publisher().put(kRevoked, revocation->key,
                                             EncodedValue{to_message_pack(Value::map(revocation->fields))},
                                             session->write()),
                    "token revoke");
  if (!done) return tl::unexpected<Failure>(done.error());
  if (in.globals.json) {
    print_json(in.terminal, ok_reply(done->epoch, done->rev)
                                .field("key", revocation->key)
                                .field("seq", done->seq.value())
                                .take());
  } else {
    in.terminal.out << fmt::format("revoked: {}\n", revocation->told);
  }
  return {};
}

}  // namespace prismbus::command
