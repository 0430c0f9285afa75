#include "broker/net/connections.hpp"

#include <algorithm>

namespace prismbus {

Connection* Connections::find(ConnectionId id) {
  if (last_ != nullptr && last_id_ == id) return last_;
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return nullptr;
  last_id_ = id;
  last_ = &it->second;  // nodes of an unordered_map stay where they are
  return last_;
}

Connection& Connections::meet(ConnectionId id, int fd, std::string_view peer_ip) {
  Connection& c = by_id_[id];
  c.check_at = std::min(kCheckEveryBytes, backlog_bytes_max_);
  c.origin = peer_ip;
  // Gone already, or somebody else's by now, unless it is the address libzmq wrote down at the accept; local
  // sockets have none.
  const PeerSocket socket = PeerSocket::at(fd);
  if (socket.known() && (!socket.is_tcp() || socket.ip() == peer_ip)) c.socket = socket;
  return c;
}

bool Connections::drop(Connection& c) {
  c.dropped = true;
  return c.socket.cut();
}

Backlog Connections::backlog(Connection& c) const {
  c.check_at = c.bytes_in + c.bytes_out + std::min(kCheckEveryBytes, backlog_bytes_max_);
  const auto traffic = c.socket.traffic();
  if (!traffic) return Backlog::fine;
  if (traffic->received > c.bytes_in + backlog_bytes_max_) return Backlog::flooding;
  if (c.bytes_out > traffic->acked + backlog_bytes_max_) return Backlog::not_reading;
  return Backlog::fine;
}

std::vector<ConnectionId> Connections::tend(std::size_t at_most) {
  last_ = nullptr;
  std::vector<ConnectionId> gone;
  std::size_t seen = 0;
  for (std::size_t buckets = by_id_.bucket_count(); buckets > 0 && seen < at_most; --buckets) {
    bucket_ = bucket_ + 1 < by_id_.bucket_count() ? bucket_ + 1 : 0;
    for (auto it = by_id_.begin(bucket_); it != by_id_.end(bucket_); ++it, ++seen) {
      Connection& c = it->second;
      if (c.socket.is_there() || (c.dropped && --c.looks_left > 0)) continue;
      gone.push_back(it->first);
    }
  }
  for (const ConnectionId id : gone) by_id_.erase(id);
  return gone;
}

}  // namespace prismbus
