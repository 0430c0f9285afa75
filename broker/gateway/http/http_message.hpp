// A request and a response of HTTP as the gateway's rooms hand them around: no sockets, no parser. Value
// types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prismbus {

enum class Verb : std::uint8_t { get, head, put, post, del, options, other };
[[nodiscard]] std::string_view name_of(Verb verb);  // GET; of `other` the empty string

// In the order they came; names in lower case, as they are compared.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  Verb verb = Verb::other;
  std::string target;  // as it stands in the request line
  HttpHeaders headers;
  std::string body;

  // The header's value, null when it is not there; of several the first.
  [[nodiscard]] const std::string* header(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;  // how often it is there
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";  // empty: there is no content
  HttpHeaders headers{};  // those besides Content-Type, -Length and what each response has
  std::string body{};
};

}  // namespace prismbus
