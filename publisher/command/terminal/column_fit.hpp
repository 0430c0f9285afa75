// How wide the columns of a table are on a terminal of a given width: texts are shortened, and what matters
// least is left out, before anything is cut at the right edge. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <vector>

namespace prismbus::command {

inline constexpr std::size_t kColumnGap = 2;  // spaces between two columns

struct ColumnRange {
  std::size_t natural = 0;  // of its widest cell
  std::size_t least = 0;    // at most natural; equal when it does not shrink
};

// The width of each column, 0 = left out, so that a line has at most `available` (0 = any number of) columns:
//   1. while not even the least widths fit, the next of `going` is left out
//   2. then the widest that still can gives way, so that short cells stay whole as long as possible
// When all that is not enough the line is wider than `available`.
[[nodiscard]] std::vector<std::size_t> fit_columns(const std::vector<ColumnRange>& columns,
                                                   const std::vector<std::size_t>& going,
                                                   std::size_t available);

}  // namespace prismbus::command
