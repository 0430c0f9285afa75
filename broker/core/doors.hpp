// Every door of the broker as one, for whoever answers: a connection's number says which door it came
// through. Bus thread.
#pragma once

#include <string>
#include <utility>

#include "broker/core/ports.hpp"

namespace prismbus {

// The gateway numbers its connections from here on; the admission of sockets counts from 1.
inline constexpr std::uint64_t kGatewayConnections = 1ULL << 63;

class Doors final : public ReplySink {
 public:
  // Both outlive this; `gateway` may be null: nothing comes through it then.
  Doors(Door& sockets, Door* gateway) : sockets_(sockets), gateway_(gateway) {}

  void reply(const ReplyTo& to, std::string payload) override {
    door_of(to.connection).reply(to, std::move(payload));
  }
  [[nodiscard]] std::string origin_of(ConnectionId connection) override {
    return door_of(connection).origin_of(connection);
  }
  void greeted(ConnectionId connection, const Principal& principal) override {
    door_of(connection).greeted(connection, principal);
  }
  [[nodiscard]] DoorFigures figures() const override {
    DoorFigures all = sockets_.figures();
    if (gateway_ != nullptr) all.gateway_connections = gateway_->figures().connections;
    all.connections += all.gateway_connections;
    return all;
  }
  bool drop(ConnectionId connection) { return door_of(connection).drop(connection); }

 private:
  [[nodiscard]] Door& door_of(ConnectionId connection) const {
    return gateway_ != nullptr && connection.value() >= kGatewayConnections ? *gateway_ : sockets_;
  }

  Door& sockets_;
  Door* const gateway_;
};

}  // namespace prismbus
