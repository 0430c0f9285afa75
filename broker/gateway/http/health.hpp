// Whether the broker lives and is ready, for whoever restarts or routes: answered without asking the bus,
// which may be what is stuck. Pure functions.
#pragma once

#include "broker/gateway/http/gateway_facts.hpp"
#include "broker/gateway/http/http_message.hpp"

namespace prismbus {

// The bus has not stepped for 5 s: nothing that is asked of it is answered.
[[nodiscard]] bool is_stuck(const GatewayFacts& facts);

[[nodiscard]] HttpResponse live_response(const GatewayFacts& facts);
[[nodiscard]] HttpResponse ready_response(const GatewayFacts& facts);   // with the reasons why not
[[nodiscard]] HttpResponse health_response(const GatewayFacts& facts);  // both

}  // namespace prismbus
