#include "broker/gateway/core_link.hpp"

#include <algorithm>

#include "broker/core/doors.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {

CoreLink::CoreLink(BoundedQueue<GatewayRequest>& to_bus, BoundedQueue<GatewayReply>& from_bus,
                   const BusPulse& pulse)
    : to_bus_(to_bus), from_bus_(from_bus), pulse_(pulse), next_(kGatewayConnections) {}

void CoreLink::push(GatewayRequest message) {
  const bool sent = to_bus_.try_push(std::move(message));
  PRISMBUS_ASSERT(sent, "the queue holds what its connections can have under way");
}

bool CoreLink::has_room() const {
  const std::size_t open = askers_.size() + 1;
  // Each may send opened, a request and gone, and gets a reply or a cut for each request.
  return to_bus_.size() + 3 * open <= to_bus_.capacity() && under_way_ + open <= from_bus_.capacity();
}

ConnectionId CoreLink::open(std::string origin, Asker& asker) {
  const ConnectionId connection(next_++);
  askers_.emplace(connection, &asker);
  push({GatewayRequest::What::opened, connection, std::move(origin)});
  return connection;
}

void CoreLink::ask(ConnectionId connection, std::string payload) {
  ++under_way_;
  push({GatewayRequest::What::request, connection, std::move(payload)});
}

void CoreLink::close(ConnectionId connection) {
  if (askers_.erase(connection) > 0) push({GatewayRequest::What::gone, connection, {}});
}

void CoreLink::fetch_replies() {
  replies_.clear();
  from_bus_.drain(replies_);
}

void CoreLink::give_replies() {
  for (GatewayReply& reply : replies_) {
    --under_way_;
    const auto it = askers_.find(reply.connection);
    if (it == askers_.end()) continue;
    Asker& asker = *it->second;
    if (reply.cut) {
      asker.on_cut();
      continue;
    }
    if (reply.greeted) asker.on_greeted(std::move(reply.greeted));
    asker.on_reply(std::move(reply.payload));
  }
}

GatewayFacts CoreLink::facts(const HttpMeter* http) const {
  const auto age = read_clock().steady - pulse_.stepped();
  GatewayFacts facts;
  facts.bus_age_ms = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(age).count()));
  facts.takes_writes = pulse_.takes_writes();
  facts.draining = pulse_.draining();
  facts.http = http;
  return facts;
}

}  // namespace prismbus
