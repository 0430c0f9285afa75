#include "broker/gateway/gateway_door.hpp"

#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {

std::size_t GatewayDoor::receive(std::size_t messages_max, std::size_t bytes_max, RequestHandler& handler) {
  if (next_ == taken_.size()) {
    taken_.clear();
    next_ = 0;
    in_.drain(taken_);
  }
  std::size_t done = 0, bytes = 0;
  for (; next_ < taken_.size() && done < messages_max && bytes < bytes_max; ++done) {
    const GatewayRequest message = std::move(taken_[next_++]);
    switch (message.what) {
      case GatewayRequest::What::opened:
        known_[message.connection].origin = message.text;
        break;
      case GatewayRequest::What::request:
        bytes += message.text.size();
        handler.on_request({message.connection, {}, {}}, message.text);
        break;
      case GatewayRequest::What::gone:
        known_.erase(message.connection);
        handler.on_gone(message.connection);
        break;
    }
  }
  return done;
}

void GatewayDoor::reply(const ReplyTo& to, std::string payload) {
  const auto it = known_.find(to.connection);
  if (it != known_.end() && it->second.cut) return;
  GatewayReply reply{to.connection, std::move(payload)};
  if (it != known_.end()) reply.greeted = std::move(it->second.greeted);
  const bool sent = out_.try_push(std::move(reply));
  PRISMBUS_ASSERT(sent, "a connection of the gateway has one request under way");
}

std::string GatewayDoor::origin_of(ConnectionId connection) {
  const auto it = known_.find(connection);
  return it == known_.end() ? std::string() : it->second.origin;
}

void GatewayDoor::greeted(ConnectionId connection, const Principal& principal) {
  if (const auto it = known_.find(connection); it != known_.end())
    it->second.greeted = std::make_shared<const Principal>(principal);
}

DoorFigures GatewayDoor::figures() const {
  DoorFigures figures;
  figures.connections = known_.size();
  return figures;
}

bool GatewayDoor::drop(ConnectionId connection) {
  const auto it = known_.find(connection);
  if (it == known_.end() || it->second.cut) return false;
  it->second.cut = true;
  const bool sent = out_.try_push({connection, {}, true});
  PRISMBUS_ASSERT(sent, "each connection is cut once");
  return true;
}

}  // namespace prismbus
