// `GET /metrics`: asks `status`, adds what the gateway knows by itself, and, for an administrator who showed
// a token and asks for it, figures by namespace. Without an answer of the bus it tells how long that is
// stuck.
#pragma once

#include <memory>

#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/http/exchange.hpp"

namespace prismbus {

inline constexpr std::size_t kNamespacesTold = 200;  // in the order of their names

// `asked`: of that route, its query and token good.
[[nodiscard]] std::unique_ptr<Exchange> open_metrics(const CoreRequest& asked, const HttpTarget& target,
                                                     const GatewayFacts& facts);

}  // namespace prismbus
