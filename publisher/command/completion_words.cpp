#include "publisher/command/completion_words.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "publisher/command/document_format.hpp"

namespace prismbus::command {
namespace {

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_min() > 0;
}

// Of the command itself, or one every command takes.
const CLI::Option* find_option(const CLI::App* app, std::string_view word) {
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      if (option->check_name(std::string(word))) return option;
    }
  }
  return nullptr;
}

std::string unquoted(std::string word) {  // as bash hands it over
  std::erase_if(word, [](char c) { return c == '\'' || c == '"' || c == '\\'; });
  return word;
}

class Completion {
 public:
  Completion(const CLI::App& app, const NameSources& names) : command_(&app), names_(names) {}

  std::vector<Candidate> run(const std::vector<std::string>& words) {
    current_ = words.empty() ? "" : unquoted(words.back());
    for (std::size_t i = 0; i + 1 < words.size(); ++i) pass(unquoted(words[i]));
    if (pending_ != nullptr) {
      value_of(*pending_);
    } else if (current_.starts_with('-') && !only_positionals_) {
      options();
    } else if (commands()) {
      return std::move(found_);
    } else {
      positional();
    }
    return std::move(found_);
  }

 private:
  // A word that stands before the one that is typed.
  void pass(const std::string& word) {
    if (pending_ != nullptr) {
      pending_ = nullptr;
    } else if (word == "--") {
      only_positionals_ = true;
    } else if (word.starts_with('-') && word.size() > 1 && !only_positionals_) {
      const CLI::Option* option = word.find('=') == std::string::npos ? find_option(command_, word) : nullptr;
      if (option != nullptr && takes_value(*option)) pending_ = option;
    } else if (const CLI::App* sub = subcommand(word)) {
      command_ = sub;
    } else {
      positionals_.push_back(word);
    }
  }

  [[nodiscard]] const CLI::App* subcommand(const std::string& word) const {
    if (!positionals_.empty()) return nullptr;
    for (const CLI::App* sub : command_->get_subcommands({})) {
      if (sub->get_name() == word) return sub;
    }
    return nullptr;
  }

  void offer(const std::string& word, const std::string& about = "") {
    if (!word.starts_with(current_)) return;
    found_.push_back({word, about.substr(0, about.find('\n'))});
  }

  bool commands() {
    for (const CLI::App* sub : command_->get_subcommands({})) offer(sub->get_name(), sub->get_description());
    return !command_->get_subcommands({}).empty();
  }

  void options() {
    for (const CLI::App* app = command_; app != nullptr; app = app->get_parent()) {
      for (const CLI::Option* option : app->get_options()) {
        if (app != command_ && (option->check_name("--help") || option->check_name("--version"))) continue;
        for (const std::string& name : option->get_lnames()) offer("--" + name, option->get_description());
      }
    }
  }

  void value_of(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    if (type == "FILE" || type == "DIR") found_.push_back({std::string(kFilesMark), ""});
    if (type == "FORMAT") {
      for (const FormatRow& row : kFormatTable) offer(std::string(row.name));
    }
    if (type == "KEY") keys();
    if (type == "PATTERN") namespaces();
    if (type == "ALG") offer("ES256"), offer("RS256"), offer("HS256");
    if (type == "WHAT") offer("warn"), offer("stop");
    if (type == "all|N") offer("all");
  }

  void positional() {
    std::size_t index = 0;
    for (const CLI::Option* option : command_->get_options()) {
      if (!option->get_positional() || !option->get_lnames().empty()) continue;
      const bool last_takes_all = option->get_items_expected_max() > 1;
      if (index == positionals_.size() || (last_takes_all && index < positionals_.size())) {
        return named(option->get_name(true));
      }
      ++index;
    }
  }

  void named(const std::string& name) {
    if (name == "NS" || name == "PATTERN") namespaces();
    if (name == "KEY") keys();
    if (name == "FILE") found_.push_back({std::string(kFilesMark), ""});
    if (name == "SHELL") offer("bash"), offer("zsh"), offer("fish");
    if (name == "CHANGES") transaction();
  }

  // put NS KEY VALUE and delete NS KEY, one after the other.
  void transaction() {
    std::vector<std::string> step;
    for (const std::string& word : positionals_) {
      step.push_back(word);
      if (step.size() == (step.front() == "put" ? 4u : 3u)) step.clear();
    }
    if (step.empty()) offer("put"), offer("delete");
    if (step.size() == 1) namespaces();
    if (step.size() == 2) keys_of(step[1]);
  }

  void namespaces() {
    for (const std::string& ns : names_.namespaces()) offer(ns);
  }
  void keys() {
    const bool file_first = command_->get_name() == "import";
    const std::size_t at = file_first ? 1 : 0;
    if (at < positionals_.size()) keys_of(positionals_[at]);
  }
  void keys_of(const std::string& ns) {
    for (const std::string& key : names_.keys(ns, current_)) offer(key);
  }

  const CLI::App* command_;
  const NameSources& names_;
  std::string current_;
  const CLI::Option* pending_ = nullptr;  // its value comes next
  bool only_positionals_ = false;
  std::vector<std::string> positionals_;
  std::vector<Candidate> found_;
};

}  // namespace

std::vector<Candidate> complete(const CLI::App& app, const std::vector<std::string>& words,
                                const NameSources& names) {
  return Completion(app, names).run(words);
}

}  // namespace prismbus::command
