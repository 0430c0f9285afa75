// What the commands share: how each adds itself to the command line and what it is given to run. One file a
// command: put.cpp, get.cpp, ...; a new one is a file, a line here and a line in run.cpp. The process's one
// thread.
#pragma once

#include <string>
#include <vector>

#include "publisher/command/command_line.hpp"
#include "publisher/command/session.hpp"
#include "publisher/command/terminal/terminal.hpp"

namespace prismbus::command {

struct Invocation {
  const Globals& globals;
  Terminal& terminal;
};

// Each adds its command below `top`.
void add_put(Command top);
void add_get(Command top);
void add_delete(Command top);
void add_list(Command top);
void add_txn(Command top);
void add_namespaces(Command top);
void add_watch(Command top);
void add_import(Command top);
void add_export(Command top);
void add_status(Command top);
void add_history(Command top);
void add_diff(Command top);
void add_rollback(Command top);
void add_snapshot(Command top);
void add_changes(Command top);
void add_import_log(Command top);
void add_replay(Command top);
void add_audit(Command top);
void add_backup(Command top);
void add_outbox(Command top);
void add_policy(Command top);
void add_subscribers(Command top);
void add_init(Command top);
void add_token(Command top);
void add_keys(Command top);
void add_completion(Command top);

// The candidates for the last of `words`, for the scripts that `completion` prints. Silent when no broker
// answers.
void print_completions(Command top, const std::vector<std::string>& words, Globals globals,
                       Terminal& terminal);

// One line of JSON and a line feed.
void print_json(Terminal& terminal, const Value& value);

// The whole command: arguments without the program's name, and what the environment says of PRISMBUS_...
// (credentials.hpp). Prints to the terminal and returns the exit code.
[[nodiscard]] int run(std::vector<std::string> arguments, const NamedTexts& environment, Terminal& terminal);

}  // namespace prismbus::command
