#include "broker/gateway/response_head.hpp"

#include <fmt/format.h>
#include <boost/beast/http/status.hpp>

#include <string_view>

#include "broker/gateway/http/gzip.hpp"

namespace prismbus {
namespace {

namespace http = boost::beast::http;

void add_header(std::string& out, std::string_view name, std::string_view value) {
  out += fmt::format("{}: {}\r\n", name, value);
}

}  // namespace

std::string begin_response(const HttpResponse& response, const OriginRules& origins,
                           const HttpRequest& request, bool keep_alive) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, std::string(reason.begin(), reason.end()));
  if (!response.content_type.empty()) add_header(out, "Content-Type", response.content_type);
  bool has_caching = false;
  for (const auto& [name, value] : response.headers) {
    add_header(out, name, value);
    has_caching = has_caching || name == "Cache-Control";
  }
  if (!has_caching) add_header(out, "Cache-Control", "no-store");
  for (const auto& [name, value] : origins.cors_headers(request)) add_header(out, name, value);
  for (const auto& [name, value] : origins.transport_headers(request)) add_header(out, name, value);
  add_header(out, "X-Content-Type-Options", "nosniff");
  if (!keep_alive) add_header(out, "Connection", "close");
  return out;
}

bool wants_gzip(const HttpRequest& request) {
  const std::string* header = request.header("accept-encoding");
  return header != nullptr && accepts_gzip(*header);
}

HttpResponse preflight_response() {
  HttpResponse response;
  response.status = 204;
  response.content_type.clear();
  response.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE"},
                      {"Access-Control-Allow-Headers",
                       "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key"},
                      {"Access-Control-Max-Age", "600"}};
  return response;
}

}  // namespace prismbus
