// The target of a request line, taken apart: path segments and query parameters, percent-decoded. Total over
// any bytes. What a name may be is not judged here: the core's validator does that for every door.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/gateway/http/http_message.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

struct HttpTarget {
  std::vector<std::string> path;                           // `/a//b` is a, "", b; `/` is one empty segment
  std::vector<std::pair<std::string, std::string>> query;  // `a&b=` is ("a", ""), ("b", ""); names are unique
};

// `+` is a plus, as in RFC 3986: keys may have one. Errors: invalid_argument with field `target` (not
// starting with `/`, a fragment, a `%` without two hex digits) or the parameter's name (it stands twice).
[[nodiscard]] Result<HttpTarget> split_target(std::string_view target);

// `GET http://host/path`, as to a proxy, becomes `GET /path` with that host: it counts more than the header
// (RFC 9112, 3.2.2). Any other target stays as it is.
void to_origin_form(HttpRequest& request);

}  // namespace prismbus
