// The reply of an operation as the response of its route. Pure function, any thread.
#pragma once

#include <string_view>

#include "broker/gateway/http/http_message.hpp"
#include "broker/gateway/http/route.hpp"

namespace prismbus {

[[nodiscard]] HttpResponse response_of_reply(const HttpRequest& request, const RouteMatch& match,
                                             std::string_view payload);

}  // namespace prismbus
