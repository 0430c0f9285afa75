// The connections of a door, by the number their admission gave them: where each one's descriptor is, and how
// many bytes went through it, so that a peer can be dropped alone. Bus thread. libzmq bounds neither what a
// flooder sends (RCVHWM has to be 0) nor the bytes a slow reader leaves queued; the kernel's own count of a
// connection's bytes against ours tells both backlogs exactly (tcp only).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/core/ports.hpp"
#include "broker/net/peer_socket.hpp"

namespace prismbus {

struct Connection {
  PeerSocket socket{};           // not known() for sure: it cannot be dropped
  bool dropped = false;          // what it had queued is thrown away
  std::uint8_t looks_left = 16;  // of tend() before a dropped one is forgotten: its queue may still be long
  std::string origin;            // its address as libzmq noted it at the accept, without the port
  std::uint64_t bytes_in = 0, bytes_out = 0;  // consumed and given, with ZMTP framing
  std::uint64_t check_at = 0;                 // sum of both at which the backlogs are looked at again
};

enum class Backlog : std::uint8_t { fine, flooding, not_reading };

class Connections {
 public:
  static constexpr std::uint64_t kBacklogBytesMax = 128u << 20;  // of one connection, each way
  static constexpr std::uint64_t kCheckEveryBytes = 4u << 20;

  explicit Connections(std::uint64_t backlog_bytes_max = kBacklogBytesMax)
      : backlog_bytes_max_(backlog_bytes_max) {}

  // nullptr when it was never met, or is gone. The pointer is good until the next tend().
  [[nodiscard]] Connection* find(ConnectionId id);
  // First message of a connection: `fd` as the message says, `peer_ip` as libzmq noted it at the accept.
  Connection& meet(ConnectionId id, int fd, std::string_view peer_ip);

  // Cuts this connection and no other; false when it is gone already or its descriptor is not known.
  bool drop(Connection& connection);
  [[nodiscard]] Backlog backlog(Connection& connection) const;
  [[nodiscard]] static bool is_due(const Connection& c) { return c.bytes_in + c.bytes_out >= c.check_at; }

  // Forgets some of those whose socket is gone, and gives them: looks at up to `at_most` of them, round and
  // round.
  std::vector<ConnectionId> tend(std::size_t at_most);
  [[nodiscard]] std::size_t size() const { return by_id_.size(); }

 private:
  const std::uint64_t backlog_bytes_max_;
  std::unordered_map<ConnectionId, Connection> by_id_;
  ConnectionId last_id_;  // pipelined requests come from the same one again and again
  Connection* last_ = nullptr;
  std::size_t bucket_ = 0;  // where tend() goes on
};

}  // namespace prismbus
