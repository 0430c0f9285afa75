// prismbus keys: the keys that sign and verify tokens: lists a file of them, adds a new one that signs from
// now on, removes an old one. Asks no broker, prints nothing private.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "proto/json/json_value.hpp"
#include "proto/token/token_keys.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

struct Options {
  std::string file, algorithm;
  std::optional<std::string> retire;
};

std::string_view use_of(const TokenKeys& keys, const TokenKeyPtr& key) {
  if (!key->can_sign()) return "verifies";
  return key == keys.all().front() ? "signs" : "verifies, could sign";
}

void print(const TokenKeys& keys, Fields reply, Invocation& in) {
  if (in.globals.json) {
    Value::Array list;
    for (const TokenKeyPtr& key : keys.all()) {
      list.push_back(Fields()
                         .field("kid", key->kid())
                         .field("alg", name_of(key->algorithm()))
                         .field("bits", static_cast<std::uint64_t>(key->bits()))
                         .field("private", key->can_sign())
                         .field("signs", key->can_sign() && key == keys.all().front())
                         .take());
    }
    print_json(in.terminal, reply.field("keys", Value::array(std::move(list))).take());
    return;
  }
  Table table({"KID", "ALG", "BITS", "USE"});
  table.align_right(2);
  for (const TokenKeyPtr& key : keys.all()) {
    table.row({key->kid().empty() ? "-" : printable(key->kid()), std::string(name_of(key->algorithm())),
               fmt::format("{}", key->bits()), std::string(use_of(keys, key))});
  }
  table.print(in.terminal);
}

Outcome<void> list(const Options& o, Invocation& in) {
  const auto keys = TokenKeys::load(o.file, KeepParts::all);
  if (!keys) return failed_at_file(keys.error(), "keys list");
  print(*keys, std::move(Fields().field("ok", true)), in);
  return {};
}

// With --retire alone nothing is added: that is the second step, when the last token of the old key has
// expired.
Outcome<void> rotate(const Options& o, Invocation& in) {
  const auto algorithm = token_algorithm_named(o.algorithm.empty() ? "ES256" : o.algorithm);
  if (!algorithm) return misused("--alg", json_quoted(o.algorithm) + " is none of ES256, RS256, HS256");
  forbid_core_dumps();
  auto keys = TokenKeys::load(o.file, KeepParts::all);
  if (!keys) return failed_at_file(keys.error(), "keys rotate");
  Fields reply;
  reply.field("ok", true);
  if (!o.retire || !o.algorithm.empty()) {
    auto made = TokenKey::generate(*algorithm);
    if (!made) return failed(made.error(), "keys rotate");
    reply.field("added", (*made)->kid());
    if (auto added = keys->add_first(std::move(*made)); !added) return failed(added.error(), "keys rotate");
  }
  if (o.retire) {
    if (auto retired = keys->retire(*o.retire); !retired)
      return failed(retired.error(), "keys rotate --retire");
    reply.field("retired", *o.retire);
  }
  if (auto saved = keys->save(o.file); !saved) {
    Failure failure{Exit::file, saved.error()};
    return tl::unexpected<Failure>(std::move(failure));
  }
  print(*keys, std::move(reply), in);
  return {};
}

}  // namespace

void add_keys(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("keys", "The keys that sign tokens: list, rotate");
  sub.require_command();
  Command list_keys = sub.command("list", "Print the keys of a file, nothing private");
  Command rotate_keys = sub.command("rotate", "Add a key that signs from now on");
  for (Command each : {list_keys, rotate_keys})
    each.option("--keys", o->file, "The key file (a JWK set)").type_name("FILE").required();
  rotate_keys.option("--alg", o->algorithm, "ES256 (default), RS256 or HS256").type_name("ALG");
  rotate_keys.option("--retire", o->retire, "Remove this key, never the last; adds one only with --alg")
      .type_name("KID");
  sub.footer(
      "The first key of a file signs, all of them verify. Rotate in two steps: add a key, give the file to "
      "every\n"
      "broker, and when the last token of the old key has expired, retire that. A broker may hold a file of "
      "public\n"
      "keys only; HS256 has none, whoever verifies could also sign.\n\n"
      "Examples:\n"
      "  prismbus keys list --keys security/tokens.jwks\n"
      "  prismbus keys rotate --keys security/tokens.jwks\n"
      "  prismbus keys rotate --keys security/tokens.jwks --alg RS256 --json | jq -r .added\n"
      "  prismbus keys rotate --keys security/tokens.jwks --retire \"$(jq -r '.keys[-1].kid' "
      "security/tokens.jwks)\"\n");
  list_keys.action([o](Invocation& in) { return list(*o, in); });
  rotate_keys.action([o](Invocation& in) { return rotate(*o, in); });
}

}  // namespace prismbus::command
