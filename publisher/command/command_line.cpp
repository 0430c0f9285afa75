#include "publisher/command/command_line.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

#include "proto/base/help_text.hpp"
#include "proto/json/json_value.hpp"
#include "publisher/command/terminal/suggestion.hpp"

namespace prismbus::command {
namespace {

std::vector<std::string_view> command_names(const CLI::App& app) {
  std::vector<std::string_view> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.emplace_back(sub->get_name());
  return names;
}

// "; did you mean --if-rev?" for an option that nobody knows.
std::string option_hint(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::string> known;
  const auto collect = [&known](const CLI::App& from) {
    for (const CLI::Option* option : from.get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
  };
  collect(app);
  for (const CLI::App* sub : app.get_subcommands()) {
    collect(*sub);
    for (const CLI::App* below : sub->get_subcommands()) collect(*below);
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  for (const std::string& word : words) {
    const std::string_view name = std::string_view(word).substr(0, word.find('='));
    if (!name.starts_with("--") || name == "--" || std::find(names.begin(), names.end(), name) != names.end())
      continue;
    if (const auto near = closest(name, names)) return fmt::format("; did you mean {}?", *near);
  }
  return "";
}

// The library tells what is left over the wrong way round.
std::string extras_text(const CLI::App& app) {
  const CLI::App* at = &app;
  while (at->remaining_size() == 0 && !at->get_subcommands().empty()) at = at->get_subcommands().front();
  std::string text;
  for (const std::string& word : at->remaining()) text += (text.empty() ? "" : " ") + word;
  return "not expected: " + text;
}

// "--note: needs a value" for "--note: 1 required TEXT missing".
std::string missing_value_text(const std::string& what) {
  const std::size_t required = what.find(": 1 required ");
  return required == std::string::npos ? what : what.substr(0, required) + ": needs a value";
}

// What the library's message about `words` lacks.
std::string mistake_text(const CLI::App& app, const std::vector<std::string>& words,
                         const CLI::ParseError& e) {
  if (dynamic_cast<const CLI::ExtrasError*>(&e) != nullptr) return extras_text(app) + option_hint(app, words);
  const auto chosen = app.get_subcommands();
  if (chosen.empty() || std::string_view(e.what()) != "A subcommand is required")
    return missing_value_text(e.what());
  std::string names;
  for (const std::string_view name : command_names(*chosen.front())) {
    names += (names.empty() ? "" : ", ");
    names += name;
  }
  return "one of " + names + " is required";
}

}  // namespace

Option Option::type_name(const char* name) {
  option_->type_name(name);
  return *this;
}

Option Option::required() {
  option_->required();
  return *this;
}

Option Option::whole_number(std::uint64_t least) {
  option_->check(CLI::Validator(
      [least](std::string& text) -> std::string {
        std::uint64_t n = 0;
        const char* const end = text.data() + text.size();
        const auto [at, error] = std::from_chars(text.data(), end, n);
        if (error == std::errc() && at == end && n >= least) return "";
        return fmt::format("{} is not a whole number of at least {}", json_quoted(text), least);
      },
      ""));
  return *this;
}

Option Option::repeatable() {
  option_->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Option Option::groups_of(int words) {
  option_->type_size(words)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}

Option Option::excludes(Option other) {
  option_->excludes(other.option_);
  return *this;
}

Option Option::needs(Option other) {
  option_->needs(other.option_);
  return *this;
}

bool Option::given() const {
  return option_->count() > 0;
}

std::vector<std::string> Option::long_names() const {
  std::vector<std::string> names;
  for (const std::string& name : option_->get_lnames()) names.push_back("--" + name);
  return names;
}

bool Option::is_called(std::string_view word) const {
  return option_->check_name(std::string(word));
}

std::string Option::argument_name() const {
  return option_->get_lnames().empty() ? option_->get_name(true) : "";
}

std::string Option::about() const {
  return option_->get_description();
}

std::string Option::type_name() const {
  return option_->get_type_name();
}

bool Option::takes_value() const {
  return option_->get_items_expected_min() > 0;
}

bool Option::takes_many() const {
  return option_->get_items_expected_max() > 1;
}

Option Command::option(std::string names, std::string& into, std::string about) {
  return Option(app_->add_option(std::move(names), into, std::move(about)));
}

Option Command::option(std::string names, std::optional<std::string>& into, std::string about) {
  return Option(app_->add_option(std::move(names), into, std::move(about)));
}

Option Command::option(std::string names, std::vector<std::string>& into, std::string about) {
  return Option(app_->add_option(std::move(names), into, std::move(about)));
}

Option Command::option(std::string names, std::uint64_t& into, std::string about) {
  return Option(app_->add_option(std::move(names), into, std::move(about)));
}

Option Command::option(std::string names, std::optional<std::uint64_t>& into, std::string about) {
  return Option(app_->add_option(std::move(names), into, std::move(about)));
}

Option Command::option(std::string names, std::vector<std::uint64_t>& into, std::string about) {
  return Option(app_->add_option(std::move(names), into, std::move(about)));
}

Option Command::flag(std::string names, bool& into, std::string about) {
  return Option(app_->add_flag(std::move(names), into, std::move(about)));
}

Command Command::command(std::string name, std::string about) {
  CLI::App* below = app_->add_subcommand(std::move(name), std::move(about));
  below->fallthrough();
  return Command(below, chosen_);
}

void Command::require_command() {
  app_->require_subcommand(1);
}

void Command::footer(std::string text) {
  app_->footer(std::move(text));
}

void Command::action(Action action) {
  app_->callback([chosen = chosen_, action = std::move(action)] { *chosen = action; });
}

std::string Command::name() const {
  return app_->get_name();
}

std::string Command::about() const {
  return app_->get_description();
}

std::string Command::footer() const {
  return app_->get_footer();
}

std::vector<Option> Command::options() const {
  std::vector<Option> options;
  for (CLI::Option* option : app_->get_options()) options.emplace_back(option);
  return options;
}

std::vector<Command> Command::commands() const {
  std::vector<Command> commands;
  for (CLI::App* below : app_->get_subcommands({})) commands.emplace_back(below, chosen_);
  return commands;
}

CommandLine::CommandLine(const std::string& name, const std::string& about, const std::string& version)
    : app_(std::make_unique<CLI::App>(about, name)) {
  app_->set_help_flag("-h,--help", "Print this help and exit");
  app_->set_version_flag("--version", version, "Print the version and exit");
}

CommandLine::~CommandLine() = default;

Command CommandLine::top() {
  return Command(app_.get(), &chosen_);
}

std::string CommandLine::chosen_path() const {
  std::string path;
  for (const CLI::App* at = app_.get(); !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    path += (path.empty() ? "" : " ") + at->get_name();
  }
  return path;
}

Result<CommandLine::Parsed, std::string> CommandLine::parse(const std::vector<std::string>& words) {
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 takes them
    app_->parse(reversed);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) return tl::unexpected<std::string>(mistake_text(*app_, words, e));
    std::ostringstream out, err;
    app_->exit(e, out, err);  // --help, --version
    return Parsed{nullptr, fold_help(out.str())};
  }
  return Parsed{chosen_, ""};
}

}  // namespace prismbus::command
