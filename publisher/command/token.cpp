// prismbus token: makes tokens with a key that is here, tells what one says, and revokes them at a broker.
#include <fmt/format.h>

#include <memory>

#include "proto/base/checked_file.hpp"
#include "proto/json/json_value.hpp"
#include "proto/token/token_signer.hpp"
#include "proto/wire/file_error.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/lifetime.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/token_inspect.hpp"
#include "publisher/command/token_revoke.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string keys, sub, ttl = "12h", issuer, kid, output;
  std::vector<std::string> read, write, admin, audiences;
  InspectedToken inspected;
  std::string expected_issuer, expected_audience;
  RevokedTokens revoked;
};

Outcome<std::vector<Pattern>> patterns_of(const std::vector<std::string>& texts, const char* flag) {
  std::vector<Pattern> out;
  for (const std::string& text : texts) {
    auto pattern = Pattern::parse(text);
    if (!pattern)
      return misused(
          flag, json_quoted(text) + " is none: a pattern is a namespace, a namespace and `.**`, or `**`");
    out.push_back(std::move(*pattern));
  }
  return out;
}

Outcome<TokenClaims> claims_of(const Options& o) {
  TokenClaims claims;
  const auto ttl = parse_lifetime(o.ttl, "--ttl");
  if (!ttl) return tl::unexpected<Failure>(ttl.error());
  if (!is_principal(o.sub))
    return misused("--sub",
                   "a principal has 1 to 255 bytes of text, is not `anonymous` and begins with no `_`");
  claims.principal = o.sub;
  struct Right {
    const std::vector<std::string>& texts;
    std::vector<Pattern>& patterns;
    const char* flag;
  };
  for (const Right& right : {Right{o.read, claims.read, "--read"}, Right{o.write, claims.write, "--write"},
                             Right{o.admin, claims.admin, "--admin"}}) {
    auto patterns = patterns_of(right.texts, right.flag);
    if (!patterns) return tl::unexpected<Failure>(patterns.error());
    right.patterns = std::move(*patterns);
  }
  if (!o.issuer.empty()) claims.issuer = o.issuer;
  claims.audiences = o.audiences;
  claims.issued = std::chrono::floor<std::chrono::seconds>(read_clock().wall);
  claims.expires = *claims.issued + *ttl;
  return claims;
}

Outcome<void> issue(const Options& o, Invocation& in) {
  const auto claims = claims_of(o);
  if (!claims) return tl::unexpected<Failure>(claims.error());
  forbid_core_dumps();
  const auto keys = TokenKeys::load(o.keys, KeepParts::all);
  if (!keys) return failed_at_file(keys.error(), "token issue");
  const TokenKeyPtr key = o.kid.empty() ? keys->all().front() : keys->find(o.kid);
  if (key == nullptr) return misused("--kid", fmt::format("{} has no key of this name", o.keys));
  if (!key->can_sign())
    return misused(o.kid.empty() ? "--keys" : "--kid", "this key has no private part here: it verifies only");
  const auto token = sign_token(*claims, *key);
  if (!token) return failed(token.error(), "token issue");
  if (!o.output.empty()) {
    if (auto written = write_private_file(o.output, *token + "\n"); !written) {
      Failure failure{Exit::file, file_error(written.error(), o.output)};
      return tl::unexpected<Failure>(std::move(failure));
    }
  }
  if (in.globals.json) {
    Fields reply;
    reply.field("ok", true)
        .field("principal", claims->principal)
        .field("expires", to_micros(claims->expires));
    if (!key->kid().empty()) reply.field("kid", key->kid());
    o.output.empty() ? reply.field("token", *token) : reply.field("path", o.output);
    print_json(in.terminal, reply.take());
  } else if (o.output.empty()) {
    in.terminal.out << *token << '\n';
  }
  return {};
}

Outcome<void> inspect(const Options& o, Invocation& in) {
  InspectedToken what = o.inspected;
  if (what.keys.empty() && (!o.expected_issuer.empty() || !o.expected_audience.empty()))
    return misused("--keys", "--iss and --aud are judged of a token that is verified");
  if (!o.expected_issuer.empty()) what.rules.issuer = o.expected_issuer;
  if (!o.expected_audience.empty()) what.rules.audience = o.expected_audience;
  return inspect_token(what, in);
}

void add_issue(Command parent, const std::shared_ptr<Options>& o) {
  Command sub = parent.command("issue", "Make a token");
  sub.option("--keys", o->keys, "The key file; its first key signs").type_name("FILE").required();
  sub.option("--sub", o->sub, "The principal it speaks for").type_name("NAME").required();
  sub.option("--read", o->read, "What may be read: a namespace, a.b.** or **; repeatable")
      .type_name("PATTERN")
      .repeatable();
  sub.option("--write", o->write, "What may be written; repeatable").type_name("PATTERN").repeatable();
  sub.option("--admin", o->admin, "What may be administered; repeatable").type_name("PATTERN").repeatable();
  sub.option("--ttl", o->ttl, "How long it lives (default 12h): w d h m s").type_name("TIME");
  sub.option("--iss", o->issuer, "Its issuer, where the broker asks for one").type_name("TEXT");
  sub.option("--aud", o->audiences, "Its audience, where the broker asks for one; repeatable")
      .type_name("TEXT")
      .repeatable();
  sub.option("--kid", o->kid, "The key that signs, by its name").type_name("KID");
  sub.option("-o,--output", o->output, "Write it there, for this user alone, not to standard output")
      .type_name("FILE");
  sub.action([o](Invocation& in) { return issue(*o, in); });
}

void add_inspect(Command parent, const std::shared_ptr<Options>& o) {
  Command sub = parent.command("inspect", "Print what a token says");
  sub.option("FILE", o->inspected.file, "The token's file; - or nothing: standard input");
  sub.option("--keys", o->inspected.keys, "Verify it, as a broker with these keys would").type_name("FILE");
  sub.option("--iss", o->expected_issuer, "With --keys: the issuer it has to have").type_name("TEXT");
  sub.option("--aud", o->expected_audience, "With --keys: the audience it has to name").type_name("TEXT");
  sub.action([o](Invocation& in) { return inspect(*o, in); });
}

void add_revoke(Command parent, const std::shared_ptr<Options>& o) {
  Command sub = parent.command("revoke", "Revoke tokens at the broker, at once");
  sub.option("FILE", o->revoked.file, "The token's file; - is standard input");
  sub.option("--sub", o->revoked.sub, "Instead: all tokens of a principal").type_name("NAME");
  sub.option("--before", o->revoked.before, "With --sub: those issued until then (default now)")
      .type_name("TIME");
  sub.option("--reason", o->revoked.reason, "For whoever reads the list later").type_name("TEXT");
  sub.action([o](Invocation& in) { return revoke_tokens(o->revoked, in); });
}

}  // namespace

void add_token(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("token", "Tokens of principals: issue, inspect, revoke");
  sub.require_command();
  add_issue(sub, o);
  add_inspect(sub, o);
  add_revoke(sub, o);
  sub.footer(
      "A token is good for what it names until it expires; what the broker's policy grants or denies its "
      "principal\n"
      "comes on top. ** is every namespace but the broker's own. A token is as good as a password: give it "
      "by a file\n"
      "(PRISMBUS_TOKEN_FILE), not on a command line. inspect exits with 6 when it is none, or --keys would "
      "refuse it.\n\n"
      "Examples:\n"
      "  prismbus token issue --keys security/tokens.jwks --sub gateway-1 --read 'md.**' --ttl 30d -o "
      "gateway-1.token\n"
      "  prismbus token issue --keys security/tokens.jwks --sub ops --read '**' --write 'md.**' --ttl 12h\n"
      "  prismbus token inspect gateway-1.token\n"
      "  prismbus token revoke --sub gateway-1 --reason 'host rebuilt'\n"
      "  prismbus token inspect --keys security/tokens.jwks --json < gateway-1.token | jq .state\n");
}

}  // namespace prismbus::command
