// One request of HTTP and its response, as a machine that asks the core and is told its replies: no sockets,
// no clock. Whoever drives it (http_session.hpp) asks what begin() or on_reply() gives, one request at a
// time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "broker/gateway/http/gateway_facts.hpp"
#include "broker/gateway/http/http_message.hpp"
#include "broker/gateway/http/route.hpp"

namespace prismbus {

struct Ask {
  std::string payload;  // for the core
};
// A piece of a streamed body of status 200, application/x-ndjson; without `ask` it is the last.
struct Streamed {
  std::string text;
  std::string ask;
};
using ExchangeStep = std::variant<Ask, Streamed, HttpResponse>;

class Exchange {
 public:
  virtual ~Exchange() = default;
  // begin() once, then on_reply() for each step that asked. After a response, or a piece that does not ask,
  // it is over.
  [[nodiscard]] virtual ExchangeStep begin() = 0;
  [[nodiscard]] virtual ExchangeStep on_reply(std::string_view payload) = 0;
  const Route* route = nullptr;  // that it serves; null: none
};

// Never null: what is wrong with the request is its response. `request` is lent for the exchange's life.
[[nodiscard]] std::unique_ptr<Exchange> open_exchange(const HttpRequest& request, const GatewayFacts& facts);

}  // namespace prismbus
