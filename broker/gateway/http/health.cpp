#include "broker/gateway/http/health.hpp"

#include <initializer_list>
#include <utility>

#include "broker/gateway/http/reply_json.hpp"

namespace prismbus {
namespace {

// An idle bus steps ten times a second, a step aims at a millisecond; a disk that hangs does not stop it.
constexpr std::uint64_t kStuckMs = 5'000;

using Reasons = std::vector<std::string_view>;

Reasons why_not_live(const GatewayFacts& facts) {
  return is_stuck(facts) ? Reasons{"the bus thread does not step"} : Reasons{};
}

Reasons why_not_ready(const GatewayFacts& facts) {
  if (facts.draining) return {"the broker is stopping"};
  if (!facts.takes_writes) return {"writes are refused: no space, or the journal failed"};
  return {};
}

HttpResponse answer(const char* name, const GatewayFacts& facts, const Reasons& reasons) {
  Value::Array told;
  for (const std::string_view reason : reasons) told.push_back(Value::text(reason));
  return json_response(reasons.empty() ? 200 : 503,
                       Value::map({{Value::text(name), Value::boolean(reasons.empty())},
                                   {Value::text("reasons"), Value::array(std::move(told))},
                                   {Value::text("bus_age_ms"), Value::number(facts.bus_age_ms)}}));
}

}  // namespace

bool is_stuck(const GatewayFacts& facts) {
  return facts.bus_age_ms >= kStuckMs;
}

HttpResponse live_response(const GatewayFacts& facts) {
  return answer("live", facts, why_not_live(facts));
}

HttpResponse ready_response(const GatewayFacts& facts) {
  return answer("ready", facts, why_not_ready(facts));
}

HttpResponse health_response(const GatewayFacts& facts) {
  Reasons reasons = why_not_live(facts);
  for (const std::string_view reason : why_not_ready(facts)) reasons.push_back(reason);
  return answer("healthy", facts, reasons);
}

}  // namespace prismbus
