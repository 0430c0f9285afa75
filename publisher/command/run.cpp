// The command line as a whole: global options, help, did-you-mean, and how an end is told.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "proto/base/secret_bytes.hpp"
#include "proto/json/json_value.hpp"
#include "publisher/command/command.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/terminal/suggestion.hpp"

namespace prismbus::command {
namespace {

constexpr double kTimeoutSecondsMax =
    1800;  // no request id may be repeated later than 30 minutes after its first use

std::string exit_code_help() {
  std::string text = "Exit codes:\n";
  for (const ExitRow& row : kExitTable)
    text += fmt::format("  {:>2}  {}\n", static_cast<int>(row.code), row.meaning);
  text +=
      "\nEnvironment: PRISMBUS_BROKER (endpoints, separated by commas), NO_COLOR. Of a broker with security "
      "on\n"
      "PRISMBUS_SERVER_KEY, PRISMBUS_TOKEN_FILE, PRISMBUS_CLIENT_KEY_FILE; or all of them as NAME=value "
      "lines in\n"
      "a file that PRISMBUS_PROFILE or --profile names.\n";
  text += "Every command has help with examples: prismbus put --help\n";
  return text;
}

// The first word that is no option: the command. Knows which global options take a value.
std::optional<std::string> command_word(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& a = arguments[i];
    if (a == "--broker" || a == "--timeout" || a == "--profile" || a == "--server-key" ||
        a == "--token-file") {
      ++i;
    } else if (!a.starts_with('-')) {
      return a;
    }
  }
  return std::nullopt;
}

std::vector<std::string> command_names(Command top) {
  std::vector<std::string> names;
  for (const Command& each : top.commands()) names.push_back(each.name());
  return names;
}

// What is done to a stopped store.
bool is_of_the_broker(std::string_view word) {
  return word == "check" || word == "restore" || word == "rebuild";
}

int end(const Failure& failure, const Globals& globals, Terminal& terminal) {
  if (globals.json) print_json(terminal, failed_reply(failure));
  terminal.out.flush();
  terminal.err << "prismbus: " << printable(failure.error.message) << '\n';
  return static_cast<int>(failure.exit);
}

struct Options {
  Globals globals;
  std::vector<std::string> brokers;
  std::string profile, server_key, token_file;
  std::string timeout = "5";
};

// 2, 2s, 300ms as seconds; nullopt for what is no time.
std::optional<double> seconds_of(std::string_view time) {
  const double unit = time.ends_with("ms") ? 1e-3 : 1;
  if (time.ends_with('s')) time.remove_suffix(unit == 1 ? 1 : 2);
  double count = 0;
  const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), count);
  if (error != std::errc() || end != time.data() + time.size()) return std::nullopt;
  return count * unit;
}

void add_globals(Command top, Options& options) {
  top.option("--broker", options.brokers,
             "Request endpoint of a broker; repeatable, tried in turn (default tcp://127.0.0.1:7400)")
      .type_name("ENDPOINT")
      .repeatable();
  top.option("--timeout", options.timeout, "Seconds to wait for the broker (default 5); 2s, 300ms")
      .type_name("SECONDS");
  top.option("--profile", options.profile, "File with the broker, its key and a token, as NAME=value lines")
      .type_name("FILE");
  top.option("--server-key", options.server_key, "Public key of a broker with security on").type_name("KEY");
  top.option("--token-file", options.token_file, "File with the token to show it").type_name("FILE");
  top.flag("--json", options.globals.json, "Print the reply as JSON, errors too");
  top.require_command();
  top.footer(exit_code_help());
}

void add_commands(Command top) {
  for (const auto add :
       {add_put,         add_get,    add_delete,  add_list,   add_txn,       add_namespaces, add_watch,
        add_import,      add_export, add_history, add_diff,   add_rollback,  add_snapshot,   add_changes,
        add_replay,      add_backup, add_audit,   add_outbox, add_policy,    add_status,     add_import_log,
        add_subscribers, add_init,   add_token,   add_keys,   add_completion}) {
    add(top);
  }
  for (Command each : top.commands()) {
    each.footer(each.footer() +
                "\nOptions of every command (--broker, --profile, --timeout, --json) and exit codes: "
                "prismbus --help\n");
    for (Command below : each.commands()) below.footer(each.footer());
  }
}

// A flag wins over the environment, and that over the profile.
Outcome<void> settle(Options& options, const NamedTexts& environment) {
  const NamedTexts said = [&](std::string_view name) -> std::optional<std::string> {
    if (name == "PRISMBUS_SERVER_KEY" && !options.server_key.empty()) return options.server_key;
    if (name == "PRISMBUS_TOKEN_FILE" && !options.token_file.empty()) return options.token_file;
    return environment(name);
  };
  auto profile = load_profile(said, options.profile);
  if (!profile) {
    const std::string field = profile.error().field ? *profile.error().field + ": " : "";
    return misused("--profile", field + profile.error().message);
  }
  if (auto readable = profile->credentials.token_now(); !readable)
    return misused("--token-file", readable.error().message);
  options.globals.credentials = std::move(profile->credentials);
  const Credentials& shown = options.globals.credentials;
  if (!shown.server_key.empty() || !shown.token.empty() || !shown.token_file.empty()) forbid_core_dumps();
  if (!options.brokers.empty()) {
    options.globals.brokers = options.brokers;
  } else if (!profile->brokers.empty()) {
    options.globals.brokers = std::move(profile->brokers);
  }
  const auto seconds = seconds_of(options.timeout);
  if (!seconds) {
    return misused("--timeout", json_quoted(options.timeout) + " is not a time, such as 2, 2s or 300ms");
  }
  if (!(*seconds >= 0.001 && *seconds <= kTimeoutSecondsMax)) {
    return misused("--timeout", fmt::format("from 0.001 to {:g} seconds", kTimeoutSecondsMax));
  }
  options.globals.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
  return {};
}

}  // namespace

void print_json(Terminal& terminal, const Value& value) {
  terminal.out << to_json(value) << '\n';
}

int run(std::vector<std::string> arguments, const NamedTexts& environment, Terminal& terminal) {
  CommandLine line("prismbus", "prismbus: read, write and watch the configuration kept by a prismbusd broker",
                   std::string("prismbus ") + PRISMBUS_VERSION);
  Options options;
  add_globals(line.top(), options);
  add_commands(line.top());
  if (arguments.size() > 2 && arguments[0] == "completion" && arguments[1] == "words" &&
      arguments[2] == "--") {
    if (!settle(options, environment)) return static_cast<int>(Exit::usage);
    print_completions(line.top(), {arguments.begin() + 3, arguments.end()}, options.globals, terminal);
    return static_cast<int>(Exit::done);
  }
  // As typed: what goes wrong before it is parsed is told as asked for, too.
  options.globals.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  const auto word = command_word(arguments);
  const auto known = command_names(line.top());
  const std::vector<std::string_view> names(known.begin(), known.end());
  if (word && std::find(names.begin(), names.end(), *word) == names.end()) {
    const auto near = closest(*word, names);
    const auto hint = near                      ? fmt::format("did you mean {}?", *near)
                      : is_of_the_broker(*word) ? fmt::format("did you mean prismbusd {}?", *word)
                                                : "prismbus --help lists the commands";
    return end(misused("", fmt::format("no command {}; {}", json_quoted(*word), hint)).value(),
               options.globals, terminal);
  }
  const auto parsed = line.parse(arguments);
  if (!parsed) {
    std::string path = line.chosen_path();
    if (path.empty()) path = word.value_or("");
    const std::string see = path.empty() ? " (prismbus --help)" : " (prismbus " + path + " --help)";
    return end(misused("", (path.empty() ? "" : path + ": ") + parsed.error() + see).value(), options.globals,
               terminal);
  }
  if (!parsed->action) {
    terminal.out << parsed->print;
    return static_cast<int>(Exit::done);
  }
  if (const auto settled = settle(options, environment); !settled) {
    return end(settled.error(), options.globals, terminal);
  }
  Invocation invocation{options.globals, terminal};
  const Outcome<void> outcome = parsed->action(invocation);
  if (!outcome) return end(outcome.error(), options.globals, terminal);
  terminal.out.flush();
  if (!terminal.out) {
    terminal.err << "prismbus: standard output: cannot write\n";
    return static_cast<int>(Exit::file);
  }
  return static_cast<int>(Exit::done);
}

}  // namespace prismbus::command
