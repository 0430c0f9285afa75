#include "proto/base/help_text.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kBrokenBeyond = 90;  // a line of prose that is longer was broken for its length

// Where what does not fit of an indented line goes on.
std::size_t hanging_indent(std::string_view line, std::size_t columns) {
  const std::size_t first = line.find_first_not_of(' ');
  const std::size_t gap = line.find("  ", first);
  if (gap == std::string_view::npos) return first;
  const std::size_t after = line.find_first_not_of(' ', gap);
  return after > columns / 2 ? first : after;  // npos too
}

void fold_line(std::string& out, std::string_view line, std::size_t indent, std::size_t columns) {
  std::size_t width = columns, from = indent;  // a break before `from` would gain nothing
  while (line.size() > width) {
    std::size_t at = line.rfind(' ', width);
    if (at == std::string_view::npos || at <= from) at = line.find(' ', width);
    if (at == std::string_view::npos || line.find_first_not_of(' ', at) == std::string_view::npos) break;
    out.append(line.substr(0, at)).append("\n").append(indent, ' ');
    line.remove_prefix(line.find_first_not_of(' ', at));
    width = columns - indent, from = 0;
  }
  out.append(line).append("\n");
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

bool is_prose(std::string_view text) {
  return !text.empty() && text[0] != ' ' && text[0] != '\n';
}

}  // namespace

std::string fold_help(std::string_view text, std::size_t columns) {
  std::string out;
  bool examples = false;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    examples = line == "Examples:" || (examples && !line.empty());
    if (examples || line.empty()) {
      out.append(line).append("\n");
    } else if (line[0] == ' ') {
      fold_line(out, line, hanging_indent(line, columns), columns);
    } else {
      std::string paragraph(line);
      for (std::size_t last = line.size(); last > kBrokenBeyond && is_prose(text);) {
        const std::string_view next = take_line(text);
        paragraph.append(" ").append(next);
        last = next.size();
      }
      fold_line(out, paragraph, 0, columns);
    }
  }
  return out;
}

}  // namespace prismbus
