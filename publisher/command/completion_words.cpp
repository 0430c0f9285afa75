#include "publisher/command/completion_words.hpp"

#include <optional>

#include "publisher/command/document_format.hpp"

namespace prismbus::command {
namespace {

std::string unquoted(std::string word) {  // as bash hands it over
  std::erase_if(word, [](char c) { return c == '\'' || c == '"' || c == '\\'; });
  return word;
}

class Completion {
 public:
  Completion(Command top, const NameSources& names) : path_{top}, names_(names) {}

  std::vector<Candidate> run(const std::vector<std::string>& words) {
    current_ = words.empty() ? "" : unquoted(words.back());
    for (std::size_t i = 0; i + 1 < words.size(); ++i) pass(unquoted(words[i]));
    if (pending_) {
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
    if (pending_) {
      pending_.reset();
    } else if (word == "--") {
      only_positionals_ = true;
    } else if (word.starts_with('-') && word.size() > 1 && !only_positionals_) {
      const auto option = word.find('=') == std::string::npos ? find_option(word) : std::nullopt;
      if (option && option->takes_value()) pending_ = option;
    } else if (const auto below = subcommand(word)) {
      path_.push_back(*below);
    } else {
      positionals_.push_back(word);
    }
  }

  // Of the command itself, or one every command takes.
  [[nodiscard]] std::optional<Option> find_option(std::string_view word) const {
    for (auto at = path_.rbegin(); at != path_.rend(); ++at) {
      for (const Option& option : at->options()) {
        if (option.is_called(word)) return option;
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Command> subcommand(const std::string& word) const {
    if (!positionals_.empty()) return std::nullopt;
    for (const Command& below : path_.back().commands()) {
      if (below.name() == word) return below;
    }
    return std::nullopt;
  }

  void offer(const std::string& word, const std::string& about = "") {
    if (!word.starts_with(current_)) return;
    found_.push_back({word, about.substr(0, about.find('\n'))});
  }

  bool commands() {
    const std::vector<Command> below = path_.back().commands();
    for (const Command& each : below) offer(each.name(), each.about());
    return !below.empty();
  }

  void options() {
    for (auto at = path_.rbegin(); at != path_.rend(); ++at) {
      for (const Option& option : at->options()) {
        if (at != path_.rbegin() && (option.is_called("--help") || option.is_called("--version"))) continue;
        for (const std::string& name : option.long_names()) offer(name, option.about());
      }
    }
  }

  void value_of(Option option) {
    const std::string type = option.type_name();
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
    for (const Option& option : path_.back().options()) {
      const std::string name = option.argument_name();
      if (name.empty()) continue;
      if (index == positionals_.size() || (option.takes_many() && index < positionals_.size())) {
        return named(name);
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
    const bool file_first = path_.back().name() == "import";
    const std::size_t at = file_first ? 1 : 0;
    if (at < positionals_.size()) keys_of(positionals_[at]);
  }
  void keys_of(const std::string& ns) {
    for (const std::string& key : names_.keys(ns, current_)) offer(key);
  }

  std::vector<Command> path_;  // from the program down to the command whose words come
  const NameSources& names_;
  std::string current_;
  std::optional<Option> pending_;  // its value comes next
  bool only_positionals_ = false;
  std::vector<std::string> positionals_;
  std::vector<Candidate> found_;
};

}  // namespace

std::vector<Candidate> complete(Command top, const std::vector<std::string>& words,
                                const NameSources& names) {
  return Completion(top, names).run(words);
}

}  // namespace prismbus::command
