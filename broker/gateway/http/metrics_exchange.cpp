#include "broker/gateway/http/metrics_exchange.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/gateway/http/health.hpp"
#include "broker/gateway/http/http_meter.hpp"
#include "broker/gateway/http/metrics_text.hpp"
#include "broker/gateway/http/reply_json.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {
namespace {

const std::string* find(const HttpTarget& target, std::string_view name) {
  for (const auto& [key, value] : target.query) {
    if (key == name) return &value;
  }
  return nullptr;
}

void add(Value& figures, std::string_view name, Value value) {
  if (auto* members = figures.as<Value::Map>()) members->push_back({Value::text(name), std::move(value)});
}

class Metrics final : public Exchange {
 public:
  Metrics(std::optional<std::string> token, const HttpTarget& target, const GatewayFacts& facts)
      : token_(std::move(token)), facts_(facts) {
    const std::string* namespaces = find(target, "namespaces");
    by_namespace_ = namespaces != nullptr && *namespaces == "true";
    if (const std::string* under = find(target, "under")) under_ = *under;
  }

  ExchangeStep begin() override {
    if (is_stuck(facts_)) {
      figures_ = Value::map({});
      add(figures_, "gateway", Value::map({{Value::text("bus_age_ms"), Value::number(facts_.bus_age_ms)}}));
      return response();
    }
    return Ask{CoreRequest("status", token_).payload()};
  }

  ExchangeStep on_reply(std::string_view payload) override {
    const auto reply = codec::decode_reply(payload);
    if (!reply) return error_response(reply.error());
    if (reply->error) return error_response(*reply->error);
    auto tree = reply_tree(payload);
    if (!tree) return error_response(tree.error());
    return std::exchange(has_status_, true) ? on_namespaces(*tree) : on_status(std::move(*tree));
  }

 private:
  // The core counts connections of the gateway, whatever became of them.
  void tell_web_sockets() {
    Value* doors = figures_.find("doors");
    Value* gateway = doors == nullptr ? nullptr : doors->find("gateway");
    auto* all = gateway == nullptr ? nullptr : gateway->as<std::uint64_t>();
    if (all == nullptr) return;
    const std::uint64_t sockets = std::min<std::uint64_t>(*all, facts_.web_sockets);
    *all -= sockets;
    add(*doors, "websocket", Value::number(sockets));
  }
  ExchangeStep on_status(Value tree) {
    figures_ = std::move(tree);
    const bool administers = figures_.find("answers") != nullptr;
    if (administers) {
      Value own = facts_.http == nullptr ? Value::map({}) : facts_.http->figures();
      add(own, "bus_age_ms", Value::number(facts_.bus_age_ms));
      add(figures_, "gateway", std::move(own));
      tell_web_sockets();
    }
    if (!by_namespace_) return response();
    const Value* secured = figures_.find("secured");
    if (!administers || secured == nullptr || *secured != Value::boolean(true))
      return error_response(error_of(ErrorCode::permission_denied,
                                     "figures by namespace are for a token that administers, and for a "
                                     "broker that asks for tokens"));
    CoreRequest rows("namespaces", token_);
    if (under_) rows.set_text("under", *under_);
    rows.set_number("limit", kNamespacesTold);
    return Ask{rows.payload()};
  }

  ExchangeStep on_namespaces(Value& tree) {
    Value by_name = Value::map({});
    if (Value* rows = tree.find("namespaces"); rows != nullptr && rows->is<Value::Array>()) {
      for (Value& row : *rows->as<Value::Array>()) {
        const Value* ns = row.find("ns");
        if (ns != nullptr && ns->is<std::string>()) add(by_name, *ns->as<std::string>(), row);
      }
    }
    add(figures_, "namespaces", std::move(by_name));
    if (const Value* more = tree.find("more")) add(figures_, "namespaces_left_out", *more);
    return response();
  }

  [[nodiscard]] HttpResponse response() const {
    return HttpResponse{.content_type = std::string(kMetricsType), .body = metrics_text(figures_)};
  }

  const std::optional<std::string> token_;
  const GatewayFacts facts_;
  std::optional<std::string> under_;
  bool by_namespace_ = false, has_status_ = false;
  Value figures_;
};

}  // namespace

std::unique_ptr<Exchange> open_metrics(const CoreRequest& asked, const HttpTarget& target,
                                       const GatewayFacts& facts) {
  return std::make_unique<Metrics>(asked.token(), target, facts);
}

}  // namespace prismbus
