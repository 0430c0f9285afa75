#include "broker/gateway/http/http_meter.hpp"

#include <string>

namespace prismbus {
namespace {

constexpr std::array<std::uint64_t, 15> kTook{100,     250,     500,       1'000,     2'500,
                                              5'000,   10'000,  25'000,    50'000,    100'000,
                                              250'000, 500'000, 1'000'000, 2'500'000, 10'000'000};
constexpr std::array<std::string_view, 5> kClassNames{"read", "write", "snapshot", "own", "none"};

Value::Array numbers(std::span<const std::uint64_t> of) {
  Value::Array out;
  for (const std::uint64_t n : of) out.push_back(Value::number(n));
  return out;
}

Value histogram_of(const Histogram& from) {
  return Value::map({{Value::text("le"), Value::array(numbers(from.bounds()))},
                     {Value::text("counts"), Value::array(numbers(from.counts()))},
                     {Value::text("sum"), Value::number(from.sum())}});
}

// The map under that name, made when it is not there.
Value& below(Value& map, std::string_view name) {
  if (Value* found = map.find(name)) return *found;
  auto* members = map.as<Value::Map>();
  members->push_back({Value::text(name), Value::map({})});
  return members->back().value;
}

}  // namespace

HttpMeter::HttpMeter()
    : took_{Histogram(kTook), Histogram(kTook), Histogram(kTook), Histogram(kTook), Histogram(kTook)} {}

HttpMeter::Class HttpMeter::class_of(const Route* route) {
  if (route == nullptr) return kNone;
  if (route->answer == Answer::snapshot) return kSnapshot;
  if (route->op.empty() || route->op == "status") return kOwn;
  return route->writes == Writes::nothing ? kRead : kWrite;
}

void HttpMeter::count(const Request& request, Steady now) {
  if (request.status == 0) return;
  const std::string_view route = request.route == nullptr ? "none" : request.route->path;
  const std::string_view verb = request.verb == Verb::other ? "other" : name_of(request.verb);
  ++answered_[{route, verb, request.status}];
  if (request.started == Steady{}) return;
  took_[class_of(request.route)].record(static_cast<std::uint64_t>((now - request.started).count()) / 1000);
}

Value HttpMeter::figures() const {
  Value requests = Value::map({}), latency = Value::map({});
  for (const auto& [row, n] : answered_) {
    const auto& [route, verb, status] = row;
    Value& by_status = below(below(requests, route), verb);
    by_status.as<Value::Map>()->push_back({Value::text(std::to_string(status)), Value::number(n)});
  }
  for (std::size_t of = 0; of < kClasses; ++of)
    latency.as<Value::Map>()->push_back({Value::text(kClassNames[of]), histogram_of(took_[of])});
  return Value::map({{Value::text("requests"), std::move(requests)},
                     {Value::text("latency_us"), std::move(latency)},
                     {Value::text("refused_connections"), Value::number(refused_connections_)}});
}

}  // namespace prismbus
