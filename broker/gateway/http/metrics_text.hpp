// The broker's figures as Prometheus reads them. One table says which figure is which metric: its name and
// unit by Prometheus' conventions, and a sentence. Pure functions, any thread.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "proto/json/value.hpp"

namespace prismbus {

struct MetricRow {
  enum class Type : std::uint8_t { counter, gauge, histogram };
  // Names joined by dots. `*` stands for every member of a map, whose name is the value of the next label:
  // `answers.*.*` under the labels op and code. Where the figures come from decides how many there can be.
  std::string_view figure;
  std::string_view name;
  Type type;
  std::string_view sentence;
  double per_unit = 1;  // so much of the figure is one of the metric's unit
  std::array<std::string_view, 3> labels{};
};
[[nodiscard]] std::span<const MetricRow> metric_rows();

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// `figures`: the reply of `status` as reply_tree() gives it, with what the gateway adds; those that are not
// there are left out.
[[nodiscard]] std::string metrics_text(const Value& figures);

}  // namespace prismbus
