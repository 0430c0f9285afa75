// The head of a response as it goes out, and what of a request decides about it. Pure functions, any thread.
#pragma once

#include <string>

#include "broker/gateway/http/http_message.hpp"
#include "broker/gateway/http/origin_rules.hpp"

namespace prismbus {

// Status line and the headers that every response has; Content-Length and the empty line are the caller's.
[[nodiscard]] std::string begin_response(const HttpResponse& response, const OriginRules& origins,
                                         const HttpRequest& request, bool keep_alive);
[[nodiscard]] bool wants_gzip(const HttpRequest& request);
// To a page of a listed origin that asks beforehand.
[[nodiscard]] HttpResponse preflight_response();

}  // namespace prismbus
