// Where a command reads and prints: the three streams, and what the terminal behind them can do. The rest of
// the command writes through this only, so that tests hand in strings. Owned by main; the command's one
// thread uses it.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prismbus::command {

enum class Colour : std::uint8_t { none, added, changed, removed, dim, bold };

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::size_t width = 0;  // columns of the terminal `out` is; 0 = it is none: nothing is shortened
  std::size_t (*measure)() = nullptr;  // gives `width` anew
  bool colour = false;                 // `out` is a terminal and NO_COLOR is unset or empty
  bool asks = false;                   // `in` and `err` are a terminal: somebody can be asked
  bool err_is_terminal = false;

  enum class Default : bool { no, yes };
  // Asks on `err`, reads one line of `in`. Nothing typed: the default; the end of input: no.
  [[nodiscard]] bool confirm(std::string_view question, Default otherwise);

  // Its size changes while somebody looks. Nothing happens where there is no terminal.
  void measure_again() {
    if (measure != nullptr) width = measure();
  }

  [[nodiscard]] std::string painted(std::string_view text, Colour colour) const;
};

// Standard streams as the process has them. NO_COLOR and TERM=dumb switch colour off.
[[nodiscard]] Terminal standard_terminal();

// Columns of text on a terminal: wide East Asian characters count two, combining marks none.
[[nodiscard]] std::size_t display_width(std::string_view utf8);
// Cut to `width` columns, the last one an ellipsis, when it is wider; 0 = not cut.
[[nodiscard]] std::string shortened(std::string_view utf8, std::size_t width);
// Control characters as \u escapes: what a broker sends must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view utf8);

// Rows of cells under a header, columns as wide as their widest cell. On a terminal that is too narrow for
// them columns yield as they were told to, and lines that are too long nevertheless are cut.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void align_right(std::size_t column) { right_.push_back(column); }  // numbers
  void may_shrink(std::size_t column, std::size_t least) { shrinking_.emplace_back(column, least); }
  void may_go(std::size_t column) { going_.push_back(column); }  // left out; the first one told goes first
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  void print(const Terminal& terminal) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::size_t> right_, going_;
  std::vector<std::pair<std::size_t, std::size_t>> shrinking_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace prismbus::command
