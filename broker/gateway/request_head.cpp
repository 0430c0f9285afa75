#include "broker/gateway/request_head.hpp"

#include "broker/gateway/http/http_target.hpp"
#include "broker/gateway/http/http_text.hpp"

namespace prismbus {
namespace {

namespace http = boost::beast::http;

Verb verb_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Verb::get;
    case http::verb::head:
      return Verb::head;
    case http::verb::put:
      return Verb::put;
    case http::verb::post:
      return Verb::post;
    case http::verb::delete_:
      return Verb::del;
    case http::verb::options:
      return Verb::options;
    default:
      return Verb::other;
  }
}

}  // namespace

HttpRequest request_of_head(const http::request<http::string_body>& message) {
  HttpRequest request;
  request.verb = verb_of(message.method());
  request.target.assign(message.target().begin(), message.target().end());
  for (const auto& field : message)
    request.headers.emplace_back(lower({field.name_string().data(), field.name_string().size()}),
                                 std::string(field.value().begin(), field.value().end()));
  to_origin_form(request);
  return request;
}

bool has_doubtful_length(const HttpRequest& request, bool is_http_10) {
  const std::string* coding = request.header("transfer-encoding");
  if (coding == nullptr) return request.count("content-length") > 1;
  return is_http_10 || request.count("transfer-encoding") > 1 ||
         request.header("content-length") != nullptr || lower(trimmed(*coding)) != "chunked";
}

}  // namespace prismbus
