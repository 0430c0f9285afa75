#include "publisher/command/documents/unfinished_text.hpp"

#include <algorithm>

namespace prismbus::command {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool is_space(char c) {
  return is_blank(c) || c == '\n' || c == '\r';
}
bool is_quote(char c) {
  return c == '"' || c == '\'';
}

// Behind the anchor and the tag that may stand at `at`.
std::size_t behind_properties(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
    while (at < text.size() && !is_space(text[at])) ++at;
    while (at < text.size() && is_space(text[at])) ++at;
  }
  return at;
}

// Behind the closing quote of the quoted scalar that begins at `at`; npos when there is none.
std::size_t behind_quotes(std::string_view text, std::size_t at) {
  const char quote = text[at++];
  while (at < text.size()) {
    if (text[at] == '\\' && quote == '"') {
      at += 2;
    } else if (text[at] != quote) {
      ++at;
    } else if (quote == '\'' && at + 1 < text.size() && text[at + 1] == quote) {
      at += 2;
    } else {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

bool has_colon(std::string_view text, std::size_t at) {
  if (at >= text.size()) return false;
  const std::size_t line_start = text.rfind('\n', at) + 1;  // npos + 1 is 0
  std::size_t before = at;
  while (before > line_start && is_blank(text[before - 1])) --before;
  if (before < at && before > line_start && text[before - 1] == '?') return true;

  const std::string_view line =
      text.substr(at, text.find_first_of("\r\n", at) - at);  // such a key is on one line
  std::size_t i = behind_properties(line, 0);
  if (i < line.size() && is_quote(line[i])) i = std::min(behind_quotes(line, i), line.size());
  for (; i < line.size(); ++i) {
    if (line[i] == '#' && i > 0 && is_blank(line[i - 1])) return false;
    if (line[i] == ':' && (i + 1 == line.size() || is_blank(line[i + 1]))) return true;
  }
  return false;
}

bool has_closing_quote(std::string_view text, std::size_t at) {
  at = behind_properties(text, at);
  if (at >= text.size() || !is_quote(text[at])) return true;
  return behind_quotes(text, at) != std::string_view::npos;
}

}  // namespace prismbus::command
