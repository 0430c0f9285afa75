#include "broker/net/peer_socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

namespace prismbus {
namespace {

// 0 if there is none. The number may by now name what another thread of the process opened: then the inode
// differs.
std::uint64_t inode_of(int fd) {
  struct statx info {};
  return ::statx(fd, "", AT_EMPTY_PATH, STATX_INO, &info) == 0 ? info.stx_ino : 0;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
};

std::optional<Address> peer_of(int fd) {
  Address address;
  void* const generic = &address.storage;
  if (::getpeername(fd, static_cast<sockaddr*>(generic), &address.size) != 0) return std::nullopt;
  return address;
}

}  // namespace

PeerSocket PeerSocket::at(int fd) {
  PeerSocket socket;
  if (fd < 0) return socket;
  const auto peer = peer_of(fd);
  if (!peer) return socket;
  socket.inode_ = inode_of(fd);
  if (socket.inode_ == 0) return socket;
  socket.fd_ = fd;
  socket.tcp_ = peer->storage.ss_family == AF_INET || peer->storage.ss_family == AF_INET6;
  socket.peer_size_ = std::min(peer->size, static_cast<socklen_t>(socket.peer_.size()));
  std::memcpy(socket.peer_.data(), &peer->storage, socket.peer_size_);
  return socket;
}

bool PeerSocket::is_there() const {
  if (fd_ < 0 || inode_of(fd_) != inode_) return false;
  const auto peer = peer_of(fd_);
  return peer && std::min(peer->size, static_cast<socklen_t>(peer_.size())) == peer_size_ &&
         std::memcmp(&peer->storage, peer_.data(), peer_size_) == 0;
}

std::string PeerSocket::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  sockaddr_storage peer{};
  std::memcpy(&peer, peer_.data(), peer_size_);
  const void* const generic = &peer;
  if (peer.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &static_cast<const sockaddr_in*>(generic)->sin_addr, text, sizeof text);
  } else if (peer.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &static_cast<const sockaddr_in6*>(generic)->sin6_addr, text, sizeof text);
  }
  return text;
}

std::optional<PeerSocket::Traffic> PeerSocket::traffic() const {
  if (!tcp_ || inode_of(fd_) != inode_) return std::nullopt;
  tcp_info info{};
  socklen_t size = sizeof info;
  int unread = 0;
  if (::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received ||
      ::ioctl(fd_, FIONREAD, &unread) != 0) {
    return std::nullopt;
  }
  return Traffic{info.tcpi_bytes_received, static_cast<std::uint64_t>(std::max(unread, 0)),
                 info.tcpi_bytes_acked};
}

bool PeerSocket::cut() const {
  return is_there() && ::shutdown(fd_, SHUT_RDWR) == 0;
}

}  // namespace prismbus
