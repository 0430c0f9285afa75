#include "broker/gateway/http/http_message.hpp"

#include <algorithm>

namespace prismbus {

std::string_view name_of(Verb verb) {
  switch (verb) {
    case Verb::get:
      return "GET";
    case Verb::head:
      return "HEAD";
    case Verb::put:
      return "PUT";
    case Verb::post:
      return "POST";
    case Verb::del:
      return "DELETE";
    case Verb::options:
      return "OPTIONS";
    case Verb::other:
      break;
  }
  return "";
}

const std::string* HttpRequest::header(std::string_view name) const {
  const auto it =
      std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; });
  return it == headers.end() ? nullptr : &it->second;
}

std::size_t HttpRequest::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; }));
}

}  // namespace prismbus
