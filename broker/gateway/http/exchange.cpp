// The exchanges that one request to the core, or none, answers; the choice among all of them.
#include "broker/gateway/http/exchange.hpp"

#include <optional>

#include "broker/gateway/http/conditional_write.hpp"
#include "broker/gateway/http/console_file.hpp"
#include "broker/gateway/http/core_request.hpp"
#include "broker/gateway/http/health.hpp"
#include "broker/gateway/http/http_text.hpp"
#include "broker/gateway/http/metrics_exchange.hpp"
#include "broker/gateway/http/openapi.hpp"
#include "broker/gateway/http/operation_reply.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "broker/gateway/http/snapshot_stream.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kMethods = "GET, HEAD, PUT, POST, DELETE, OPTIONS";  // of the gateway as a whole

class Immediate final : public Exchange {
 public:
  explicit Immediate(HttpResponse response) : response_(std::move(response)) {}
  ExchangeStep begin() override { return std::move(response_); }
  ExchangeStep on_reply(std::string_view) override {
    PRISMBUS_ASSERT(false, "nothing was asked");
    return {};
  }

 private:
  HttpResponse response_;
};

std::unique_ptr<Exchange> immediately(HttpResponse response) {
  return std::make_unique<Immediate>(std::move(response));
}

class OneRequest final : public Exchange {
 public:
  OneRequest(const HttpRequest& request, RouteMatch match, std::string payload)
      : request_(request), match_(std::move(match)), payload_(std::move(payload)) {}

  ExchangeStep begin() override { return Ask{std::move(payload_)}; }
  ExchangeStep on_reply(std::string_view payload) override {
    return response_of_reply(request_, match_, payload);
  }

 private:
  const HttpRequest& request_;
  const RouteMatch match_;
  std::string payload_;
};

HttpResponse method_not_allowed(const RouteMatch& match) {
  HttpResponse response = error_response(unsupported("method", "this path has no such method"), 405);
  response.headers.emplace_back("Allow", allowed_methods(match));
  return response;
}

HttpResponse options_response(std::string_view methods) {
  HttpResponse response{.status = 204, .content_type = {}};
  response.headers.emplace_back("Allow", std::string(methods));
  return response;
}

HttpResponse upgrade_required() {
  HttpResponse response = error_response(unsupported("Upgrade", "a WebSocket is spoken here"), 426);
  response.headers.emplace_back("Upgrade", "websocket");
  return response;
}

// Whether the body is what the route takes. Browsers send other types across sites without asking first.
std::optional<HttpResponse> refused_body(const Route& route, const HttpRequest& request) {
  if (route.body == BodyKind::none) return std::nullopt;
  if (const std::string* encoding = request.header("content-encoding"); encoding && *encoding != "identity")
    return error_response(unsupported("Content-Encoding", "bodies are taken as they are"), 415);
  const std::string* type = request.header("content-type");
  if (type == nullptr ||
      lower(trimmed(std::string_view(*type).substr(0, type->find(';')))) != "application/json")
    return error_response(unsupported("Content-Type", "a write takes application/json"), 415);
  return std::nullopt;
}

// Of two, one proxy may look at the first and another at the last.
std::optional<HttpResponse> refused_twice(const HttpRequest& request) {
  for (const std::string_view name : {"authorization", "content-type", "content-encoding", "if-match",
                                      "if-none-match", "idempotency-key", "origin"}) {
    if (request.count(name) > 1)
      return error_response(fail_field(std::string(name), "stands twice among the headers").value());
  }
  return std::nullopt;
}

std::unique_ptr<Exchange> open_operation(const HttpRequest& request, RouteMatch match,
                                         const HttpTarget& target, const GatewayFacts& facts) {
  auto asked = core_request_of(match, target, request);
  if (!asked) return immediately(error_response(asked.error()));
  const Route& route = *match.route;
  if (route.answer == Answer::metrics) return open_metrics(*asked, target, facts);
  if (route.answer == Answer::snapshot) return open_snapshot_stream(*asked, match, target);
  if (route.writes == Writes::key)
    return open_conditional_write(request, std::move(match), std::move(*asked));
  return std::make_unique<OneRequest>(request, std::move(match), asked->payload());
}

std::unique_ptr<Exchange> open_route(const HttpRequest& request, RouteMatch match, const HttpTarget& target,
                                     const GatewayFacts& facts) {
  if (auto refused = refused_body(*match.route, request)) return immediately(std::move(*refused));
  switch (match.route->answer) {
    case Answer::health:
      return immediately(health_response(facts));
    case Answer::live:
      return immediately(live_response(facts));
    case Answer::ready:
      return immediately(ready_response(facts));
    case Answer::openapi:
      return immediately(HttpResponse{.body = openapi_text()});
    case Answer::socket:
      return immediately(upgrade_required());
    case Answer::console:
      return immediately(console_response(request, target.path.size() == 1 ? kConsolePage : match.file));
    default:
      return open_operation(request, std::move(match), target, facts);
  }
}

}  // namespace

std::unique_ptr<Exchange> open_exchange(const HttpRequest& request, const GatewayFacts& facts) {
  if (auto refused = refused_twice(request)) return immediately(std::move(*refused));
  if (request.verb == Verb::options && request.target == "*") return immediately(options_response(kMethods));
  const auto target = split_target(request.target);
  if (!target) return immediately(error_response(target.error()));
  RouteMatch match = find_route(request.verb, target->path);
  if (match.verbs.empty())
    return immediately(error_response(error_of(ErrorCode::not_found, "no such path: see /openapi.json")));
  if (request.verb == Verb::options) return immediately(options_response(allowed_methods(match)));
  if (match.route == nullptr) return immediately(method_not_allowed(match));
  const Route* const route = match.route;
  auto exchange = open_route(request, std::move(match), *target, facts);
  exchange->route = route;
  return exchange;
}

}  // namespace prismbus
