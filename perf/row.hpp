// One row of the report: what was measured, ours beside the raw limit of the same run, and the mark it has to
// reach. Rows go to stdout as a markdown table; everything else a benchmark says goes to stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace prismbus::perf {

// A figure with its unit, printed as "12.3 k/s", "56 us", "4.2 M/s".
struct Figure {
  enum class Unit { per_second, time } unit = Unit::per_second;
  double value = 0;  // per second, or seconds
};
[[nodiscard]] Figure rate(double per_second);
[[nodiscard]] Figure duration(std::chrono::nanoseconds t);
[[nodiscard]] std::string print(const Figure& figure);

struct Row {
  std::string name;
  std::optional<Figure> ours = {}, raw = {};
  std::string mark = {};             // as text; empty = none
  std::optional<bool> reached = {};  // none when there is no mark
  std::uint64_t n = 0;               // operations or samples measured
  std::string conditions;
};
[[nodiscard]] std::string print(const Row& row);
[[nodiscard]] std::string table_head();

[[nodiscard]] double median(std::vector<double> values);  // 0 if empty

// Commit, CPU, kernel, build type, sync mode: what a figure means nothing without. One line.
[[nodiscard]] std::string describe_machine();
[[nodiscard]] bool is_release_build();

}  // namespace prismbus::perf
