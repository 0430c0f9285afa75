#include "perf/tcp_peer.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace prismbus::perf {

Result<TcpPeer, std::string> TcpPeer::connect(const std::string& authority, std::chrono::seconds patience) {
  const auto colon = authority.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(authority.c_str() + colon + 1)));
  if (colon == std::string::npos ||
      ::inet_pton(AF_INET, authority.substr(0, colon).c_str(), &to.sin_addr) != 1)
    return tl::unexpected(fmt::format("{} is no address and port", authority));
  TcpPeer peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  const timeval wait{patience.count(), 0};
  if (peer.fd_ < 0 || ::connect(peer.fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0)
    return tl::unexpected(fmt::format("{}: {}", authority, std::strerror(errno)));
  ::setsockopt(peer.fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  ::setsockopt(peer.fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  return peer;
}

TcpPeer::TcpPeer(TcpPeer&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

TcpPeer::~TcpPeer() {
  if (fd_ >= 0) ::close(fd_);
}

bool TcpPeer::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool TcpPeer::receive(std::string& in) const {
  std::array<char, 4096> piece;
  const auto read = ::recv(fd_, piece.data(), piece.size(), 0);
  if (read <= 0) return false;
  in.append(piece.data(), static_cast<std::size_t>(read));
  return true;
}

long TcpPeer::receive_some(char* into, std::size_t most) const {
  const auto read = ::recv(fd_, into, most, MSG_DONTWAIT);
  if (read > 0) return read;
  return read < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

}  // namespace prismbus::perf
