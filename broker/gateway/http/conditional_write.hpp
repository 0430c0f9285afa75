// A put or a delete under the preconditions of HTTP. `If-Match: "<epoch>-<rev>"` and `If-None-Match: *` are
// the contract's conditions as they are; `If-Match: *` (there has to be something, whatever it is) is read,
// then written on condition of what was read, and again when somebody else was faster.
#pragma once

#include <memory>

#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/http/exchange.hpp"

namespace prismbus {

// `write` is the request without its condition. `request` is lent for the exchange's life.
[[nodiscard]] std::unique_ptr<Exchange> open_conditional_write(const HttpRequest& request, RouteMatch match,
                                                               CoreRequest write);

}  // namespace prismbus
