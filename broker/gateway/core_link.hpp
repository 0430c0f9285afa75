// The gateway's end of the way to the core: numbers connections, hands requests to the bus, gives replies to
// whoever asked. Gateway thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/bus_pulse.hpp"
#include "broker/gateway/gateway_door.hpp"
#include "broker/gateway/http/gateway_facts.hpp"

namespace prismbus {

class CoreLink {
 public:
  // Of a connection: what becomes of its request.
  class Asker {
   public:
    virtual ~Asker() = default;
    // Each may call the link.
    virtual void on_reply(std::string payload) = 0;
    // Who its `hello` bound to the connection; before the reply to it.
    virtual void on_greeted(std::shared_ptr<const Principal>) {}
    virtual void on_cut() = 0;  // in place of a reply: the core wants the connection gone
  };

  // All outlive this. Either queue has queue_capacity(most connections).
  CoreLink(BoundedQueue<GatewayRequest>& to_bus, BoundedQueue<GatewayReply>& from_bus, const BusPulse& pulse);

  [[nodiscard]] static std::size_t queue_capacity(std::size_t connections_max) {
    return 4 * (connections_max + 1);
  }
  // Whether what one more connection sends, and what comes back to it, surely finds its place in the queues:
  // they also hold what closed ones left there while the bus is slow. Ask before open().
  [[nodiscard]] bool has_room() const;

  // `asker` is told until close().
  [[nodiscard]] ConnectionId open(std::string origin, Asker& asker);
  // Of an open connection that has no request under way.
  void ask(ConnectionId connection, std::string payload);
  void close(ConnectionId connection);
  // From now on `asker` is told, of a connection that has no request under way.
  void hand_over(ConnectionId connection, Asker& asker) { askers_.at(connection) = &asker; }

  // When the waker said so: fetches what has come, then tells it. In between the caller fetches what was
  // applied, all of it up to every fetched reply's revision.
  void fetch_replies();
  void give_replies();
  [[nodiscard]] GatewayFacts facts(const HttpMeter* http = nullptr) const;

 private:
  void push(GatewayRequest message);

  BoundedQueue<GatewayRequest>& to_bus_;
  BoundedQueue<GatewayReply>& from_bus_;
  const BusPulse& pulse_;
  std::uint64_t next_;
  std::unordered_map<ConnectionId, Asker*> askers_;
  std::size_t under_way_ = 0;  // requests without a reply, those of closed connections too
  std::vector<GatewayReply> replies_;
};

}  // namespace prismbus
