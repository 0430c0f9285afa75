// Which values may be shown: the one place that decides. Those of a namespace that the policy calls secret
// are masked unless --reveal was given. Only a broker whose `hello` says `sealed` has secrets; it is asked by
// `namespaces`, once for all that one run is about, and once more for a namespace that the answer does not
// have (one that began later). What is not known is masked, and why is told. An answer counts for the whole
// run. The command's one thread; blocks while it asks.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "publisher/command/command_line.hpp"
#include "publisher/command/session.hpp"
#include "publisher/command/shown_value.hpp"
#include "publisher/command/terminal/terminal.hpp"

namespace prismbus::command {

struct Secrecy {
  std::string_view command;  // a literal; opens the line that says what is not known
  std::string ns;            // what is shown is of this, and of what lies below when the command says so
  bool reveal = false;
};

class SecretValues {
 public:
  // What the broker says of a namespace and those below it; nullopt: it has no secrets.
  using Rows = std::optional<std::vector<NamespaceRow>>;
  using Ask = std::function<Outcome<Rows>(const std::string& under)>;

  SecretValues(Ask ask, Secrecy about, Terminal& terminal)
      : ask_(std::move(ask)), about_(std::move(about)), terminal_(&terminal) {}
  // Asks by a session that outlives this, or by one of its own each time, for what lives longer than one.
  SecretValues(Session& session, Secrecy about, Terminal& terminal);
  SecretValues(const Globals& globals, Secrecy about, Terminal& terminal);

  [[nodiscard]] Shown shown(const std::string& ns);
  // For what is read back, where a mask would become a value: Exit::usage naming --reveal when `ns` is
  // secret; the broker's error when it cannot be known. `instead` ends the line.
  [[nodiscard]] Outcome<void> require_shown(const std::string& ns, std::string_view instead = {});

 private:
  [[nodiscard]] std::optional<bool> known(const std::string& ns) const;
  [[nodiscard]] Outcome<bool> is_secret(const std::string& ns);
  Outcome<void> learn(const std::string& under);

  Ask ask_;
  Secrecy about_;
  Terminal* terminal_;
  std::map<std::string, bool> secret_;  // by namespace
  bool asked_ = false, none_ = false;
  std::optional<Failure> failure_;  // of the last time that it was asked
  std::chrono::steady_clock::time_point failed_at_{};
};

// --reveal, of each command that shows values.
Option add_reveal(Command sub, bool& into);

// What the help of such a command says of it.
inline constexpr std::string_view kRevealHelp =
    "Values of namespaces that the policy calls secret are ********, with \"masked\": true in JSON, unless "
    "--reveal.\n";

}  // namespace prismbus::command
