#include "broker/gateway/http/origin_rules.hpp"

#include <algorithm>
#include <array>

#include "broker/gateway/http/http_text.hpp"

namespace prismbus {
namespace {

constexpr std::array<std::string_view, 3> kLoopback{"localhost", "127.0.0.1", "::1"};
constexpr const char* kHalfAYear = "max-age=15552000";

// `host`, `host:port`, `[v6]`, `[v6]:port`: the host alone, without brackets. Anything else is no name: "".
std::string_view host_of(std::string_view authority) {
  std::string_view host = authority.substr(0, authority.find(':')), rest = authority.substr(host.size());
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return {};
    host = authority.substr(1, end - 1), rest = authority.substr(end + 1);
  }
  if (rest.empty()) return host;
  const bool is_port = rest[0] == ':' && rest.find_first_not_of("0123456789", 1) == std::string_view::npos;
  return is_port ? host : std::string_view();
}

}  // namespace

OriginRules::OriginRules(std::string_view bound_host, std::vector<std::string> hosts,
                         std::vector<std::string> origins, Scheme scheme)
    : hosts_(kLoopback.begin(), kLoopback.end()), scheme_(scheme) {
  if (!bound_host.empty()) hosts_.push_back(lower(bound_host));
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
  const bool is_own = asker == "https://" + named || (scheme_ == Scheme::http && asker == "http://" + named);
  if (request.count("origin") == 1 && is_own) return {};
  return fail(ErrorCode::permission_denied, "Origin: pages of that site may not (--gateway-origins)");
}

HttpHeaders OriginRules::cors_headers(const HttpRequest& request) const {
  const std::string* origin = request.header("origin");
  if (origin == nullptr || !is_listed(*origin)) return {};
  return {{"Access-Control-Allow-Origin", *origin},
          {"Access-Control-Expose-Headers", "ETag, Retry-After"},
          {"Vary", "Origin"}};
}

HttpHeaders OriginRules::transport_headers(const HttpRequest& request) const {
  if (scheme_ == Scheme::http) return {};
  const std::string* host = request.header("host");
  if (host == nullptr) return {};
  const std::string named = lower(*host);
  if (std::find(kLoopback.begin(), kLoopback.end(), host_of(named)) != kLoopback.end()) return {};
  return {{"Strict-Transport-Security", kHalfAYear}};
}

bool OriginRules::is_preflight(const HttpRequest& request) const {
  const std::string* origin = request.header("origin");
  return request.verb == Verb::options && origin != nullptr && is_listed(*origin) &&
         request.header("access-control-request-method") != nullptr;
}

}  // namespace prismbus
