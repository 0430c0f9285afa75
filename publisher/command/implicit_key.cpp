#include "publisher/command/implicit_key.hpp"

#include <algorithm>

namespace prismbus::command {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// The end of the quoted scalar that begins at `at`.
std::size_t end_of_quotes(std::string_view line, std::size_t at) {
  const char quote = line[at++];
  while (at < line.size() && line[at] != quote) at += line[at] == '\\' && quote == '"' ? 2 : 1;
  const bool doubled = quote == '\'' && at + 1 < line.size() && line[at + 1] == quote;
  return doubled ? end_of_quotes(line, at + 1) : std::min(at + 1, line.size());
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
  std::size_t i = 0;
  while (i < line.size() && (line[i] == '&' || line[i] == '!')) {  // an anchor, a tag
    while (i < line.size() && !is_blank(line[i])) ++i;
    while (i < line.size() && is_blank(line[i])) ++i;
  }
  if (i < line.size() && (line[i] == '"' || line[i] == '\'')) i = end_of_quotes(line, i);
  for (; i < line.size(); ++i) {
    if (line[i] == '#' && i > 0 && is_blank(line[i - 1])) return false;
    if (line[i] == ':' && (i + 1 == line.size() || is_blank(line[i + 1]))) return true;
  }
  return false;
}

}  // namespace prismbus::command
