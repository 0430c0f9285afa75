#include "publisher/command/terminal/column_fit.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;
using namespace prismbus::command;
using Widths = std::vector<std::size_t>;

namespace {
const std::vector<ColumnRange> kColumns{
    {20, 6}, {5, 5}, {12, 4}, {20, 20}};  // with three gaps: 63, at least 41
}  // namespace

TEST_CASE("columns that fit, or have no terminal to fit, stay as they are") {
  CHECK(fit_columns(kColumns, {3}, 63) == Widths{20, 5, 12, 20});
  CHECK(fit_columns(kColumns, {3}, 0) == Widths{20, 5, 12, 20});
  CHECK(fit_columns({}, {}, 10).empty());
}

TEST_CASE("the widest that can shrinks first, down to its least") {
  CHECK(fit_columns(kColumns, {}, 56) == Widths{13, 5, 12, 20});
  CHECK(fit_columns(kColumns, {}, 53) == Widths{11, 5, 11, 20});
  CHECK(fit_columns(kColumns, {}, 41) == Widths{6, 5, 4, 20});
  CHECK(fit_columns(kColumns, {}, 10) == Widths{6, 5, 4, 20});  // the rest is cut by who prints
}

TEST_CASE("a column goes only when not even the least widths fit, in the order told") {
  CHECK(fit_columns(kColumns, {3, 1}, 41) == Widths{6, 5, 4, 20});
  CHECK(fit_columns(kColumns, {3, 1}, 40) == Widths{19, 5, 12, 0});
  CHECK(fit_columns(kColumns, {3, 1}, 13) == Widths{6, 0, 5, 0});
}
