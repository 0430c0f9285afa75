// The gateway's door, as the bus sees it: requests that were HTTP come in by a queue, their replies leave by
// another. What fits into the queues is bounded by who fills them: a connection of the gateway has one
// request under way, so every reply finds its place (I8). Bus thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/ports.hpp"
#include "proto/base/bounded_queue.hpp"

namespace prismbus {

// From the gateway's thread. Of one connection: opened, requests, gone, in this order.
struct GatewayRequest {
  enum class What : std::uint8_t { opened, request, gone };
  What what = What::request;
  ConnectionId connection;
  std::string text;  // opened: where it comes from; request: the payload
};

struct GatewayReply {
  ConnectionId connection;
  std::string payload;
  bool cut = false;                            // in place of the reply: the core wants that connection gone
  std::shared_ptr<const Principal> greeted{};  // who the connection's `hello`, answered hereby, bound to it
};

class GatewayDoor final : public Door {
 public:
  // Both outlive this; the first wakes the bus, the second the gateway.
  GatewayDoor(BoundedQueue<GatewayRequest>& in, BoundedQueue<GatewayReply>& out) : in_(in), out_(out) {}

  std::size_t receive(std::size_t messages_max, std::size_t bytes_max, RequestHandler& handler) override;
  void reply(const ReplyTo& to, std::string payload) override;
  [[nodiscard]] std::string origin_of(ConnectionId connection) override;
  void greeted(ConnectionId connection, const Principal& principal) override;
  [[nodiscard]] DoorFigures figures() const override;  // connections alone
  bool drop(ConnectionId connection) override;

 private:
  struct Known {
    std::string origin;
    bool cut = false;
    std::shared_ptr<const Principal> greeted{};  // goes out with the next reply
  };

  BoundedQueue<GatewayRequest>& in_;
  BoundedQueue<GatewayReply>& out_;
  std::unordered_map<ConnectionId, Known> known_;
  std::vector<GatewayRequest> taken_;
  std::size_t next_ = 0;  // of taken_
};

}  // namespace prismbus
