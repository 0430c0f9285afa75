#include "publisher/command/terminal/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "publisher/command/terminal/column_fit.hpp"

namespace prismbus::command {
namespace {

struct CodePoint {
  char32_t c = 0;
  std::size_t bytes = 1;
};

// `s` is not empty. What is no UTF-8 counts as one column a byte.
CodePoint first_of(std::string_view s) {
  const auto byte = [s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned lead = byte(0);
  const std::size_t n = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (n == 1 || n > s.size()) return {lead, 1};
  char32_t c = lead & (0x7fu >> n);
  for (std::size_t i = 1; i < n; ++i) c = c << 6 | (byte(i) & 0x3fu);
  return {c, n};
}

std::size_t columns_of(char32_t c) {
  if ((c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f)) return 0;
  const bool wide =
      (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
      (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
      (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1f64f) || (c >= 0x1f680 && c <= 0x1f6ff) ||
      (c >= 0x1f900 && c <= 0x1f9ff) || (c >= 0x20000 && c <= 0x3fffd);
  return wide ? 2 : 1;
}

std::string_view escape_of(Colour colour) {
  switch (colour) {
    case Colour::added:
      return "\x1b[32m";
    case Colour::changed:
      return "\x1b[33m";
    case Colour::removed:
      return "\x1b[31m";
    case Colour::dim:
      return "\x1b[2m";
    case Colour::bold:
      return "\x1b[1m";
    case Colour::none:
      break;
  }
  return "";
}

}  // namespace

std::string Terminal::painted(std::string_view text, Colour c) const {
  if (!colour || c == Colour::none || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", escape_of(c), text);
}

bool Terminal::confirm(std::string_view question, Default otherwise) {
  err << question << std::flush;
  std::string answer;
  if (!std::getline(in, answer)) {
    err << '\n';
    return false;
  }
  if (answer.empty()) return otherwise == Default::yes;
  return answer == "y" || answer == "Y" || answer == "yes";
}

Terminal standard_terminal() {
  Terminal t{std::cin, std::cout, std::cerr};
  t.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  t.asks = t.err_is_terminal && ::isatty(STDIN_FILENO) == 1;
  if (::isatty(STDOUT_FILENO) != 1) return t;
  t.measure = [] {
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? std::size_t{size.ws_col} : std::size_t{80};
  };
  t.measure_again();
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  const bool dumb = kind != nullptr && std::string_view(kind) == "dumb";
  t.colour = (no_colour == nullptr || *no_colour == '\0') && !dumb;
  return t;
}

std::size_t display_width(std::string_view s) {
  std::size_t width = 0;
  while (!s.empty()) {
    const CodePoint p = first_of(s);
    width += columns_of(p.c);
    s.remove_prefix(p.bytes);
  }
  return width;
}

std::string shortened(std::string_view s, std::size_t width) {
  if (width == 0 || display_width(s) <= width) return std::string(s);
  std::size_t used = 0, at = 0;
  while (at < s.size()) {
    const CodePoint p = first_of(s.substr(at));
    if (used + columns_of(p.c) + 1 > width) break;
    used += columns_of(p.c);
    at += p.bytes;
  }
  return std::string(s.substr(0, at)) + "…";
}

std::string printable(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    const CodePoint p = first_of(s);
    if (p.c < 0x20 || (p.c >= 0x7f && p.c < 0xa0)) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(p.c));
    } else {
      out += s.substr(0, p.bytes);
    }
    s.remove_prefix(p.bytes);
  }
  return out;
}

void Table::print(const Terminal& terminal) const {
  std::vector<ColumnRange> columns;
  for (const std::string& name : header_) columns.push_back({display_width(name), 0});
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      columns[i].natural = std::max(columns[i].natural, display_width(row[i]));
  }
  for (ColumnRange& column : columns) column.least = column.natural;
  for (const auto& [i, least] : shrinking_) columns[i].least = std::min(columns[i].natural, least);
  const std::vector<std::size_t> widths = fit_columns(columns, going_, terminal.width);
  std::size_t last = widths.size();  // of those that are printed: not padded
  while (last > 0 && widths[last - 1] == 0) --last;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (widths[i] == 0) continue;
      const std::string cell = shortened(cells[i], widths[i]);
      const bool right = std::find(right_.begin(), right_.end(), i) != right_.end();
      const std::string padding(right || i + 1 < last ? widths[i] - display_width(cell) : 0, ' ');
      if (!text.empty()) text += std::string(kColumnGap, ' ');
      text += right ? padding + cell : cell + padding;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return shortened(text, terminal.width);
  };
  terminal.out << terminal.painted(line(header_), Colour::dim) << '\n';
  for (const auto& row : rows_) terminal.out << line(row) << '\n';
}

}  // namespace prismbus::command
