#include "broker/gateway/origin_rules.hpp"

#include <algorithm>

namespace prismbus {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// `host`, `host:port`, `[v6]:port`: the host alone, without brackets.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

}  // namespace

OriginRules::OriginRules(std::string_view bound_host, std::vector<std::string> hosts,
                         std::vector<std::string> origins)
    : hosts_{"localhost", "127.0.0.1", "::1", lower(bound_host)} {
  for (const std::string& host : hosts) hosts_.push_back(lower(host));
  for (const std::string& origin : origins) origins_.push_back(lower(origin));
}

bool OriginRules::is_listed(std::string_view origin) const {
  return std::find(origins_.begin(), origins_.end(), lower(origin)) != origins_.end();
}

Result<void> OriginRules::admit(const HttpRequest& request) const {
  const std::string* host = request.header("host");
  if (host == nullptr || request.count("host") != 1) return fail_field("Host", "one is needed");
  const std::string named = lower(*host);
  if (std::find(hosts_.begin(), hosts_.end(), host_of(named)) == hosts_.end())
    return fail(ErrorCode::permission_denied, "Host: not a name of this gateway (--gateway-hosts)");
  const std::string* origin = request.header("origin");
  if (origin == nullptr || is_listed(*origin)) return {};
  const std::string asker = lower(*origin);
  if (request.count("origin") == 1 && (asker == "http://" + named || asker == "https://" + named)) return {};
  return fail(ErrorCode::permission_denied, "Origin: pages of that site may not (--gateway-origins)");
}

HttpHeaders OriginRules::cors_headers(const HttpRequest& request) const {
  const std::string* origin = request.header("origin");
  if (origin == nullptr || !is_listed(*origin)) return {};
  return {{"Access-Control-Allow-Origin", *origin},
          {"Access-Control-Expose-Headers", "ETag, Retry-After"},
          {"Vary", "Origin"}};
}

bool OriginRules::is_preflight(const HttpRequest& request) const {
  const std::string* origin = request.header("origin");
  return request.verb == Verb::options && origin != nullptr && is_listed(*origin) &&
         request.header("access-control-request-method") != nullptr;
}

}  // namespace prismbus
