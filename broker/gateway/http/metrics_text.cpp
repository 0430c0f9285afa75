#include "broker/gateway/http/metrics_text.hpp"

#include <prometheus/text_serializer.h>

#include <optional>

namespace prismbus {
namespace {

using Type = MetricRow::Type;

prometheus::MetricType type_of(Type type) {
  switch (type) {
    case Type::counter:
      return prometheus::MetricType::Counter;
    case Type::gauge:
      return prometheus::MetricType::Gauge;
    case Type::histogram:
      break;
  }
  return prometheus::MetricType::Histogram;
}

// Figures are numbers; what is so or not is 1 or 0.
std::optional<double> number_of(const Value* figure) {
  if (figure == nullptr) return std::nullopt;
  if (const auto* n = figure->as<std::uint64_t>()) return static_cast<double>(*n);
  if (const auto* yes = figure->as<bool>()) return *yes ? 1.0 : 0.0;
  return std::nullopt;
}

// `{le, counts, sum}`; what is above the last bound is in the count alone.
bool read_histogram(const Value& figure, double per_unit, prometheus::ClientMetric::Histogram& out) {
  const Value* bounds = figure.find("le");
  const Value* counts = figure.find("counts");
  const auto sum = number_of(figure.find("sum"));
  const auto* le = bounds == nullptr ? nullptr : bounds->as<Value::Array>();
  const auto* of = counts == nullptr ? nullptr : counts->as<Value::Array>();
  if (le == nullptr || of == nullptr || !sum || of->size() != le->size() + 1) return false;
  for (std::size_t i = 0; i < of->size(); ++i) {
    const auto* n = (*of)[i].as<std::uint64_t>();
    if (n == nullptr) return false;
    out.sample_count += *n;
    if (i == le->size()) break;
    const auto bound = number_of(&(*le)[i]);
    if (!bound) return false;
    out.bucket.push_back({out.sample_count, *bound / per_unit});
  }
  out.sample_sum = *sum / per_unit;
  return true;
}

class Collector {
 public:
  explicit Collector(const MetricRow& row) : row_(row) {
    family_.name = row.name;
    family_.help = row.sentence;
    family_.type = type_of(row.type);
  }

  void collect(const Value& at, std::string_view path) {
    if (path.empty()) return add(at);
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    const std::string_view rest = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (name != "*") {
      if (const Value* next = at.find(name)) collect(*next, rest);
      return;
    }
    const auto* members = at.as<Value::Map>();
    if (members == nullptr) return;
    for (const auto& [key, value] : *members) {
      const auto* text = key.as<std::string>();
      if (text == nullptr) continue;
      labels_.push_back({std::string(row_.labels[labels_.size()]), *text});
      collect(value, rest);
      labels_.pop_back();
    }
  }
  [[nodiscard]] prometheus::MetricFamily take() { return std::move(family_); }

 private:
  void add(const Value& figure) {
    prometheus::ClientMetric metric;
    metric.label = labels_;
    if (row_.type == Type::histogram) {
      if (!read_histogram(figure, row_.per_unit, metric.histogram)) return;
    } else {
      const auto number = number_of(&figure);
      if (!number) return;
      metric.counter.value = metric.gauge.value = *number / row_.per_unit;
    }
    family_.metric.push_back(std::move(metric));
  }

  const MetricRow& row_;
  prometheus::MetricFamily family_;
  std::vector<prometheus::ClientMetric::Label> labels_;  // of the way down to where it is
};

prometheus::MetricFamily build_info(const std::string& server) {
  prometheus::MetricFamily family;
  family.name = "prismbus_build_info";
  family.help = "1; which version this is.";
  family.type = prometheus::MetricType::Gauge;
  prometheus::ClientMetric metric;
  metric.gauge.value = 1;
  metric.label.push_back({"server", server});
  family.metric.push_back(std::move(metric));
  return family;
}

}  // namespace

std::string metrics_text(const Value& figures) {
  std::vector<prometheus::MetricFamily> families;
  if (const Value* server = figures.find("server"); server != nullptr && server->is<std::string>())
    families.push_back(build_info(*server->as<std::string>()));
  for (const MetricRow& row : metric_rows()) {
    Collector collector(row);
    collector.collect(figures, row.figure);
    if (auto family = collector.take(); !family.metric.empty()) families.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace prismbus
