// The command line: its commands, their options, and what comes of parsing it. The wall around CLI11, which
// no other file here includes; it costs fifteen seconds wherever it is. Does not read values more closely
// than their type and whole_number(): what they mean is each command's business. One thread.
//
// CommandLine owns everything. Command and Option are small values that name a part of it, good as long as it
// lives; the variables that options fill are to live until its parse() is over and whoever reads them is
// done: a command's action holds them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "publisher/command/failure.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace prismbus::command {

struct Invocation;
using Action = std::function<Outcome<void>(Invocation&)>;

// An option, a flag, or an argument that has its place.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  // What the help calls its value, and completion knows it by: FILE, KEY, PATTERN, ...
  Option type_name(const char* name);
  Option required();
  // Decimal digits and nothing else, from `least` on. The parser's own conversion takes more: an empty word
  // (a variable that was not set) as no option at all, a sign, which wraps, and 0x.
  Option whole_number(std::uint64_t least = 0);
  // A vector takes all words up to the next option, unless one of these is said. repeatable(): it may be
  // given again, and takes one word each time. groups_of(): so many words each time; the help says `...`.
  Option repeatable();
  Option groups_of(int words);
  // Not together with the other; only together with it.
  Option excludes(Option other);
  Option needs(Option other);

  // Whether it was on the command line. After parse().
  [[nodiscard]] bool given() const;

  [[nodiscard]] std::vector<std::string> long_names() const;  // "--file"
  [[nodiscard]] bool is_called(std::string_view word) const;  // "--file", "-f"
  [[nodiscard]] std::string argument_name() const;            // "NS"; empty when it begins with a dash
  [[nodiscard]] std::string about() const;
  [[nodiscard]] std::string type_name() const;
  [[nodiscard]] bool takes_value() const;
  [[nodiscard]] bool takes_many() const;

 private:
  CLI::Option* option_;
};

class Command {
 public:
  Command(CLI::App* app, Action* chosen) : app_(app), chosen_(chosen) {}

  // `names` is "NAME" of an argument that has its place, "--name" or "-n,--name". An optional stays nullopt,
  // any other variable as it is, when the option is not given.
  Option option(std::string names, std::string& into, std::string about);
  Option option(std::string names, std::optional<std::string>& into, std::string about);
  Option option(std::string names, std::vector<std::string>& into, std::string about);
  Option option(std::string names, std::uint64_t& into, std::string about);
  Option option(std::string names, std::optional<std::uint64_t>& into, std::string about);
  Option option(std::string names, std::vector<std::uint64_t>& into, std::string about);
  Option flag(std::string names, bool& into, std::string about);

  // A command below this one. Takes this one's options too, behind its name.
  Command command(std::string name, std::string about);
  // Only with one of the commands below it.
  void require_command();
  // What the help ends with.
  void footer(std::string text);
  // What is done when this is the command that was asked for.
  void action(Action action);

  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string about() const;
  [[nodiscard]] std::string footer() const;
  [[nodiscard]] std::vector<Option> options() const;    // its own, in the order they were added, --help first
  [[nodiscard]] std::vector<Command> commands() const;  // in the order they were added

 private:
  CLI::App* app_;
  Action* chosen_;
};

class CommandLine {
 public:
  // With --help of every command, and --version, which prints `version`.
  CommandLine(const std::string& name, const std::string& about, const std::string& version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // What stands for the program itself: options of every command, and the commands.
  [[nodiscard]] Command top();

  struct Parsed {
    Action action;      // of the command that was asked for; or nothing but
    std::string print;  // what --help or --version print
  };
  // `words` without the program's name. The error is what is wrong with them, in a person's words. Once.
  [[nodiscard]] Result<Parsed, std::string> parse(const std::vector<std::string>& words);
  // After parse(), failed or not: the command that the words name, "token issue"; empty when they name none.
  [[nodiscard]] std::string chosen_path() const;

 private:
  std::unique_ptr<CLI::App> app_;
  Action chosen_;
};

}  // namespace prismbus::command
