// From HTTP to WebSocket: what a request for /ws/... asks for, before its socket is one. Pure function, any
// thread.
#pragma once

#include <optional>
#include <string>

#include "broker/gateway/http/http_message.hpp"
#include "broker/gateway/http/route.hpp"
#include "broker/gateway/live/subscribe_talk.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

inline constexpr std::string_view kSocketProtocol = "prismbus.v1";

struct Upgrade {
  enum class To : std::uint8_t { subscribe, notifications };
  To to = To::subscribe;
  std::optional<std::string> token;
  SocketClient client;
  bool names_protocol = false;   // the answer has to name kSocketProtocol
  const Route* route = nullptr;  // of the table
};

// nullopt: the path is no WebSocket's. Errors: unauthenticated, invalid_argument and unsupported naming the
// header or parameter.
[[nodiscard]] Result<std::optional<Upgrade>> upgrade_of(const HttpRequest& request);

}  // namespace prismbus
