#include "publisher/command/documents/env_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "proto/json/json_value.hpp"
#include "proto/wire/names.hpp"
#include "publisher/command/documents/text_cursor.hpp"

namespace prismbus::command {
namespace {

bool starts_name(unsigned char c) {
  return std::isalpha(c) != 0 || c == '_';
}
bool continues_name(unsigned char c) {
  return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
}
bool is_name(std::string_view text) {
  return !text.empty() && starts_name(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return continues_name(c); });
}

class EnvReader {
 public:
  explicit EnvReader(std::string_view text) : in_(text) {}

  Parsed<Value> read() {
    while (!in_.at_end()) {
      in_.skip_blanks();
      if (in_.at_line_end() || in_.peek() == '#') {
        in_.skip_line();
        continue;
      }
      if (auto fine = assignment(); !fine) return tl::unexpected<Mistake>(fine.error());
    }
    return Value::map(std::move(members_));
  }

 private:
  Parsed<void> assignment() {
    auto start = in_.place();
    std::string name = word();
    if (name == "export" && (in_.peek() == ' ' || in_.peek() == '\t')) {
      in_.skip_blanks();
      start = in_.place();
      name = word();
    }
    if (!is_name(name)) {
      return mistake(start.line, start.column,
                     "a name is letters, digits, _ . and -, and begins with no digit");
    }
    in_.skip_blanks();
    if (in_.peek() != '=') return mistake(start.line, start.column, fmt::format("no = after {}", name));
    in_.next();
    in_.skip_blanks();
    auto text = value();
    if (!text) return tl::unexpected<Mistake>(text.error());
    if (!is_utf8(*text)) return mistake(start.line, start.column, name + " is not UTF-8");
    if (!names_.insert(name).second) {
      return mistake(start.line, start.column, fmt::format("{} is there twice", name));
    }
    members_.push_back({Value::text(name), Value::text(*text)});
    return {};
  }

  std::string word() {
    std::string out;
    while (!in_.at_end() && continues_name(static_cast<unsigned char>(in_.peek()))) out += in_.next();
    return out;
  }

  Parsed<std::string> value() {
    if (in_.peek() != '"' && in_.peek() != '\'') return bare();
    const auto start = in_.place();
    const char quote = in_.next();
    std::string out;
    while (!in_.at_end() && in_.peek() != quote) {
      const char c = in_.next();
      out += c == '\\' && quote == '"' ? escape() : std::string(1, c);
    }
    if (in_.at_end()) return mistake(start.line, start.column, "the quotes are not closed");
    in_.next();
    in_.skip_blanks();
    if (!in_.at_line_end() && in_.peek() != '#') {
      const auto here = in_.place();
      return mistake(here.line, here.column, "text behind the closed quotes");
    }
    in_.skip_line();
    return out;
  }

  std::string escape() {
    constexpr std::string_view kNames = "nrt\"\\$", kMeaning = "\n\r\t\"\\$";
    const auto at = in_.at_end() ? std::string_view::npos : kNames.find(in_.peek());
    if (at == std::string_view::npos) return "\\";
    in_.next();
    return std::string(1, kMeaning[at]);
  }

  std::string bare() {
    std::string out;
    while (!in_.at_line_end()) {
      const bool after_blank = out.empty() || out.back() == ' ' || out.back() == '\t';
      if (in_.peek() == '#' && after_blank) break;
      out += in_.next();
    }
    in_.skip_line();
    out.erase(out.find_last_not_of(" \t") + 1);
    return out;
  }

  TextCursor in_;
  Value::Map members_;
  std::set<std::string> names_;
};

// ${ENV:-default} and the like stay bare: other readers expand them there, as the writer of the file meant.
bool is_safe_bare(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-./:@%+,=${}").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::string quoted(std::string_view text) {
  const bool plain = std::none_of(text.begin(), text.end(),
                                  [](unsigned char c) { return c == '\'' || c == '$' || c < 0x20; });
  if (plain) return fmt::format("'{}'", text);
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '"':
      case '\\':
        out += '\\';
        [[fallthrough]];
      default:
        out += c;
    }
  }
  return out + '"';
}

}  // namespace

Parsed<Value> from_env(std::string_view text) {
  return EnvReader(text).read();
}

Parsed<std::string> to_env(const Value& value) {
  const auto* members = value.as<Value::Map>();
  if (members == nullptr) return mistake("the document is not a map of names to text");
  std::string out;
  for (const auto& m : *members) {
    const auto* name = m.key.as<std::string>();
    const std::string shown = to_json(m.key);
    if (name == nullptr || !is_name(*name)) {
      return mistake(
          fmt::format("the key {} is not a name for a variable (letters, digits, _ . and -)", shown));
    }
    const auto* text = m.value.as<std::string>();
    if (text == nullptr) {
      return mistake(
          fmt::format("the key {} is not a string, and env carries only strings; --format yaml, json or "
                      "toml carries it",
                      shown));
    }
    if (text->find('\0') != std::string::npos) {
      return mistake(fmt::format("the key {} holds a zero byte, which env cannot carry", shown));
    }
    out += fmt::format("{}={}\n", *name, is_safe_bare(*text) ? *text : quoted(*text));
  }
  return out;
}

}  // namespace prismbus::command
