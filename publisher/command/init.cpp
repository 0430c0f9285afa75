// prismbus init: makes what a secured broker and its first client start from, and says what to do with it.
// Asks no broker.
#include <fmt/format.h>

#include <array>
#include <memory>

#include "proto/base/secret_bytes.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/lifetime.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/secure_folder.hpp"

namespace prismbus::command {
namespace {

constexpr const char* kBroker = "tcp://HOST:7400";

struct Options {
  std::string directory, ttl = "30d";
};

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// As a shell takes it for one word.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+=:,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

Outcome<void> init(const Options& o, Invocation& in) {
  const auto ttl = parse_lifetime(o.ttl, "--ttl");
  if (!ttl) return tl::unexpected<Failure>(ttl.error());
  const std::string directory = without_slashes(o.directory);
  if (directory.empty()) return misused("--secure", "names no directory");
  forbid_core_dumps();
  const auto now = std::chrono::floor<std::chrono::seconds>(read_clock().wall);
  const auto made = make_secure_folder(directory, now, *ttl);
  if (!made) return tl::unexpected<Failure>(made.error());
  const std::string token_file = directory + "/" + std::string(kAdminTokenFile);
  const std::string start = "prismbusd --security " + shell_word(directory) + " --data-dir data";
  const std::array<std::pair<const char*, std::string>, 3> environment{
      {{"PRISMBUS_BROKER", kBroker},
       {"PRISMBUS_SERVER_KEY", made->server_key},
       {"PRISMBUS_TOKEN_FILE", token_file}}};
  if (in.globals.json) {
    Fields variables;
    for (const auto& [name, value] : environment) variables.field(name, value);
    Value::Array files;
    for (const auto& name : {kCurveSecretFile, kCurvePublicFile, kTokenKeysFile, kStreamMasterFile,
                             kFirstPolicyFile, kAdminTokenFile}) {
      files.push_back(Value::text(name));
    }
    print_json(in.terminal, Fields()
                                .field("ok", true)
                                .field("directory", directory)
                                .field("files", Value::array(std::move(files)))
                                .field("start", start)
                                .field("environment", variables.take())
                                .field("admin_expires", to_micros(made->admin_expires))
                                .take());
    return {};
  }
  in.terminal.out << fmt::format(
      "{} holds the broker's keys and a token of `admin`, good until {}\n\nThe broker:\n  {}\n\n"
      "A client (HOST is where the broker runs), with the rights of that token:\n",
      printable(directory), time_text(made->admin_expires), printable(start));
  for (const auto& [name, value] : environment)
    in.terminal.out << fmt::format("  export {}={}\n", name, printable(shell_word(value)));
  return {};
}

}  // namespace

void add_init(Command top) {
  auto o = std::make_shared<Options>();
  Command sub = top.command("init", "Make the keys and the first token of a secured broker");
  sub.option("--secure", o->directory, "The directory to make; refused when it is there and not empty")
      .type_name("DIR")
      .required();
  sub.option("--ttl", o->ttl, "How long admin.token lives (default 30d): w d h m s").type_name("TIME");
  sub.footer(
      "DIR holds, readable by this user only: curve.secret and curve.public (the broker's CURVE keys), "
      "tokens.jwks\n"
      "(the ES256 key that signs tokens), stream.master (the key of the sealed stream), policy.json (the "
      "policy in\n"
      "force until _system.policy is written) and admin.token (everything, as `admin`). Everything or "
      "nothing is\n"
      "made. Keep DIR where the broker runs; clients get the public key and a token of their own.\n\n"
      "Examples:\n"
      "  prismbus init --secure security\n"
      "  prismbus init --secure security-of-tests --ttl 12h --json | jq -r "
      ".environment.PRISMBUS_SERVER_KEY\n");
  sub.action([o](Invocation& in) { return init(*o, in); });
}

}  // namespace prismbus::command
