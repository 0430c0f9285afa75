// The head of a request as Beast parsed it, in the form that the other rooms take. Pure functions, any
// thread.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "broker/gateway/http/http_message.hpp"

namespace prismbus {

// Everything but the body; the target in origin form.
[[nodiscard]] HttpRequest request_of_head(
    const boost::beast::http::request<boost::beast::http::string_body>& message);

// Whether somebody on the way may see the body end elsewhere than we do: how requests are smuggled.
[[nodiscard]] bool has_doubtful_length(const HttpRequest& request, bool is_http_10);

}  // namespace prismbus
