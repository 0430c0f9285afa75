// What the commands share: how each adds itself to the command line and what it is given to run. One file a
// command: put.cpp, get.cpp, ...; a new one is a file, a line here and a line in run.cpp. The process's one
// thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "publisher/command/failure.hpp"
#include "publisher/command/session.hpp"
#include "publisher/command/terminal.hpp"

namespace CLI {
class App;
}

namespace prismbus::command {

struct Invocation {
  const Globals& globals;
  Terminal& terminal;
};
using Action = std::function<Outcome<void>(Invocation&)>;

// Where a command adds its part of the command line; it sets `chosen` when it is the one that was asked for.
struct CommandLine {
  CLI::App& app;
  Action& chosen;
};

void add_put(CommandLine line);
void add_get(CommandLine line);
void add_delete(CommandLine line);
void add_list(CommandLine line);
void add_txn(CommandLine line);
void add_namespaces(CommandLine line);
void add_watch(CommandLine line);
void add_import(CommandLine line);
void add_export(CommandLine line);
void add_status(CommandLine line);
void add_history(CommandLine line);
void add_diff(CommandLine line);
void add_rollback(CommandLine line);
void add_snapshot(CommandLine line);
void add_changes(CommandLine line);
void add_import_log(CommandLine line);
void add_replay(CommandLine line);
void add_audit(CommandLine line);
void add_backup(CommandLine line);
void add_outbox(CommandLine line);
void add_policy(CommandLine line);
void add_subscribers(CommandLine line);
void add_init(CommandLine line);
void add_token(CommandLine line);
void add_keys(CommandLine line);
void add_completion(CommandLine line);

// The candidates for the last of `words`, for the scripts that `completion` prints. Silent when no broker
// answers.
void print_completions(const CLI::App& app, const std::vector<std::string>& words, Globals globals,
                       Terminal& terminal);

// One line of JSON and a line feed.
void print_json(Terminal& terminal, const Value& value);

// The whole command: arguments without the program's name, and what the environment says of PRISMBUS_...
// (credentials.hpp). Prints to the terminal and returns the exit code.
[[nodiscard]] int run(std::vector<std::string> arguments, const NamedTexts& environment, Terminal& terminal);

}  // namespace prismbus::command
