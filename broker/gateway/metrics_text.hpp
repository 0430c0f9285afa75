// The figures of `status` as Prometheus reads them. One table says which figure is which metric: its name and
// unit by Prometheus' conventions, and a sentence. Pure functions, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proto/json/value.hpp"

namespace prismbus {

struct MetricRow {
  enum class Type : std::uint8_t { counter, gauge };
  std::string_view figure;  // of `status`
  std::string_view name;
  Type type;
  std::string_view sentence;
  double per_unit = 1;  // so much of the figure is one of the metric's unit
};
[[nodiscard]] std::span<const MetricRow> metric_rows();

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// `status` is the reply, as reply_tree() gives it; figures that its asker was not told are left out.
[[nodiscard]] std::string metrics_text(const Value& status);

}  // namespace prismbus
