#include "publisher/command/terminal/column_fit.hpp"

namespace prismbus::command {
namespace {

std::size_t line_width(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (const std::size_t width : widths) {
    if (width > 0) sum += (sum > 0 ? kColumnGap : 0) + width;
  }
  return sum;
}

}  // namespace

std::vector<std::size_t> fit_columns(const std::vector<ColumnRange>& columns,
                                     const std::vector<std::size_t>& going, std::size_t available) {
  std::vector<std::size_t> widths, least;
  for (const ColumnRange& column : columns) {
    widths.push_back(column.natural);
    least.push_back(column.least);
  }
  if (available == 0) return widths;
  for (const std::size_t column : going) {
    if (line_width(least) <= available) break;
    widths[column] = least[column] = 0;
  }
  while (line_width(widths) > available) {
    std::size_t widest = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (widths[i] > least[i] && (widest == columns.size() || widths[i] >= widths[widest])) widest = i;
    }
    if (widest == columns.size()) break;
    --widths[widest];
  }
  return widths;
}

}  // namespace prismbus::command
