#include "broker/gateway/live/upgrade.hpp"

#include <algorithm>

#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/http/http_text.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kBearer = "bearer.";

// `prismbus.v1, bearer.<token>`: a browser has no other header to bring a token in.
Result<void> take_protocols(std::string_view list, Upgrade& out) {
  for (;;) {
    const std::size_t at = list.find(',');
    const std::string_view item = trimmed(list.substr(0, at));
    if (item == kSocketProtocol) {
      out.names_protocol = true;
    } else if (item.starts_with(kBearer)) {
      if (out.token) return fail_field("Sec-WebSocket-Protocol", "has a token beside another one");
      out.token = std::string(item.substr(kBearer.size()));
    }
    if (at == std::string_view::npos) break;
    list.remove_prefix(at + 1);
  }
  if (!out.names_protocol)
    return tl::unexpected(unsupported("Sec-WebSocket-Protocol", "only prismbus.v1 is spoken here"));
  return {};
}

}  // namespace

Result<std::optional<Upgrade>> upgrade_of(const HttpRequest& request) {
  const auto target = split_target(request.target);
  if (!target) return tl::unexpected(target.error());
  const RouteMatch match = find_route(request.verb, target->path);
  if (match.route == nullptr || match.route->answer != Answer::socket) return std::optional<Upgrade>();
  Upgrade out;
  out.route = match.route;
  if (target->path.back() == "notifications") out.to = Upgrade::To::notifications;
  for (const auto& [name, value] : target->query) {
    const auto& fields = match.route->query;
    if (std::none_of(fields.begin(), fields.end(),
                     [&, n = std::string_view(name)](const QueryField& f) { return f.name == n; }))
      return fail_field("target", "has a parameter that is none here");
    (name == "name" ? out.client.name : out.client.instance) = value;
  }
  for (const std::string_view once : {"authorization", "sec-websocket-protocol"}) {
    if (request.count(once) > 1) return fail_field(std::string(once), "stands twice among the headers");
  }
  const auto token = token_of(request);
  if (!token) return tl::unexpected(token.error());
  if (*token) out.token = std::string(**token);
  if (const std::string* protocols = request.header("sec-websocket-protocol")) {
    if (auto taken = take_protocols(*protocols, out); !taken) return tl::unexpected(taken.error());
  }
  return std::optional(std::move(out));
}

}  // namespace prismbus
