#include "broker/net/connections.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

namespace prismbus {
namespace {

struct Peer {
  sockaddr_storage address{};
  socklen_t size = sizeof(sockaddr_storage);
  [[nodiscard]] sockaddr* generic() {
    void* const p = &address;
    return static_cast<sockaddr*>(p);
  }
};

bool ask_peer(int fd, Peer& peer) {
  return ::getpeername(fd, peer.generic(), &peer.size) == 0;
}

// 0 if there is none. The number may by now name what another thread of the process opened: then the inode
// differs.
std::uint64_t inode_of(int fd) {
  struct statx info {};
  return ::statx(fd, "", AT_EMPTY_PATH, STATX_INO, &info) == 0 ? info.stx_ino : 0;
}

// Is that the address libzmq wrote down at the accept? Local sockets have none to compare.
bool peer_has_ip(const Peer& peer, std::string_view ip) {
  char text[INET6_ADDRSTRLEN] = "";
  const void* const generic = &peer.address;
  if (peer.address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &static_cast<const sockaddr_in*>(generic)->sin_addr, text, sizeof text);
  } else if (peer.address.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &static_cast<const sockaddr_in6*>(generic)->sin6_addr, text, sizeof text);
  } else {
    return peer.address.ss_family == AF_UNIX;
  }
  return ip == text;
}

}  // namespace

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
  Peer peer;
  if (fd < 0 || !ask_peer(fd, peer) || !peer_has_ip(peer, peer_ip)) return c;  // gone already
  c.inode = inode_of(fd);
  if (c.inode == 0) return c;
  c.fd = fd;
  c.tcp = peer.address.ss_family != AF_UNIX;
  c.peer_size = std::min(peer.size, static_cast<socklen_t>(c.peer.size()));
  std::memcpy(c.peer.data(), &peer.address, c.peer_size);
  return c;
}

bool Connections::is_the_same_socket(const Connection& c) {
  if (c.fd < 0 || inode_of(c.fd) != c.inode) return false;
  Peer peer;
  if (!ask_peer(c.fd, peer)) return false;
  return std::min(peer.size, static_cast<socklen_t>(c.peer.size())) == c.peer_size &&
         std::memcmp(&peer.address, c.peer.data(), c.peer_size) == 0;
}

bool Connections::drop(Connection& c) {
  c.dropped = true;
  return is_the_same_socket(c) && ::shutdown(c.fd, SHUT_RDWR) == 0;
}

Backlog Connections::backlog(Connection& c) const {
  c.check_at = c.bytes_in + c.bytes_out + std::min(kCheckEveryBytes, backlog_bytes_max_);
  if (!c.tcp || !is_the_same_socket(c)) return Backlog::fine;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(c.fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) {
    return Backlog::fine;
  }
  if (info.tcpi_bytes_received > c.bytes_in + backlog_bytes_max_) return Backlog::flooding;
  if (c.bytes_out > info.tcpi_bytes_acked + backlog_bytes_max_) return Backlog::not_reading;
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
      if (is_the_same_socket(c) || (c.dropped && --c.looks_left > 0)) continue;
      gone.push_back(it->first);
    }
  }
  for (const ConnectionId id : gone) by_id_.erase(id);
  return gone;
}

}  // namespace prismbus
