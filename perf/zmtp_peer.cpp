#include "perf/zmtp_peer.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "proto/base/bytes.hpp"

namespace prismbus::perf {
namespace {

constexpr std::size_t kGreetingBytes = 64;
constexpr unsigned char kMore = 1, kLong = 2, kCommand = 4;

void append_length_prefixed(std::string& out, std::string_view name, std::string_view value) {
  out += static_cast<char>(name.size());
  out += name;
  const auto size = htonl(static_cast<std::uint32_t>(value.size()));
  std::array<char, 4> bytes{};
  std::memcpy(bytes.data(), &size, bytes.size());
  out.append(bytes.data(), bytes.size());
  out += value;
}

std::string ready_command(std::string_view socket_type) {
  std::string body("\5READY", 6);
  append_length_prefixed(body, "Socket-Type", socket_type);
  append_length_prefixed(body, "Identity", "");
  std::string frame{static_cast<char>(kCommand), static_cast<char>(body.size())};
  return frame + body;
}

std::string greeting() {
  std::string bytes(kGreetingBytes, '\0');
  bytes[0] = '\xff';
  bytes[9] = '\x7f';
  bytes[10] = 3;  // ZMTP 3.0: subscriptions travel as messages, there is no PING
  bytes.replace(12, 4, "NULL");
  return bytes;
}

int connect_to(const sockaddr* address, socklen_t size) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, address, size) == 0) return fd;
  const int why = errno;
  ::close(fd);
  errno = why;
  return -1;
}

int connect_socket(const std::string& endpoint) {
  errno = EINVAL;
  if (endpoint.rfind("ipc://", 0) == 0) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = endpoint.substr(6);
    if (path.size() >= sizeof(address.sun_path)) return -1;
    std::memcpy(address.sun_path, path.data(), path.size());
    return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  const auto colon = endpoint.rfind(':');
  if (endpoint.rfind("tcp://", 0) != 0 || colon <= 6) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(endpoint.substr(colon + 1))));
  if (::inet_pton(AF_INET, endpoint.substr(6, colon - 6).c_str(), &address.sin_addr) != 1) return -1;
  const int fd = connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int on = 1;
  if (fd >= 0) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

void set_receive_timeout(int fd, std::chrono::milliseconds timeout) {
  const timeval tv{timeout.count() / 1000, (timeout.count() % 1000) * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

}  // namespace

ZmtpPeer::ZmtpPeer(int fd, std::size_t receive_bytes) : fd_(fd), buffer_(receive_bytes) {}

ZmtpPeer::ZmtpPeer(ZmtpPeer&& other) noexcept
    : fd_(other.fd_), buffer_(std::move(other.buffer_)), begin_(other.begin_), end_(other.end_) {
  other.fd_ = -1;
}

ZmtpPeer::~ZmtpPeer() {
  if (fd_ >= 0) ::close(fd_);
}

Result<ZmtpPeer, std::string> ZmtpPeer::connect(const std::string& endpoint, Role role,
                                                std::chrono::milliseconds deadline,
                                                std::size_t receive_bytes) {
  const int fd = connect_socket(endpoint);
  if (fd < 0) return tl::unexpected(endpoint + ": " + std::strerror(errno));
  ZmtpPeer peer(fd, receive_bytes);
  set_receive_timeout(fd, deadline);
  if (auto shaken = peer.shake_hands(role); !shaken) return tl::unexpected(endpoint + ": " + shaken.error());
  set_receive_timeout(fd, std::chrono::seconds(1));
  return peer;
}

Result<void, std::string> ZmtpPeer::shake_hands(Role role) {
  if (!send(greeting())) return tl::unexpected(std::string("the greeting was not taken"));
  std::array<char, kGreetingBytes> theirs{};
  if (!read_exactly(theirs.data(), theirs.size())) return tl::unexpected(std::string("no greeting came"));
  if (theirs[0] != '\xff' || theirs[10] < 3 || std::string_view(&theirs[12], 4) != "NULL") {
    return tl::unexpected(std::string("the peer does not speak ZMTP 3 with NULL"));
  }
  if (!send(ready_command(role == Role::dealer ? "DEALER" : "SUB"))) {
    return tl::unexpected(std::string("READY was not taken"));
  }
  std::array<char, 2> head{};
  std::array<char, 255> body{};
  if (!read_exactly(head.data(), head.size()) || head[0] != static_cast<char>(kCommand) ||
      !read_exactly(body.data(), static_cast<unsigned char>(head[1])) ||
      std::string_view(body.data(), 6) != std::string_view("\5READY", 6)) {
    return tl::unexpected(std::string("no READY came"));
  }
  return {};
}

bool ZmtpPeer::read_exactly(char* to, std::size_t n) {
  while (n > 0) {
    const ssize_t got = ::recv(fd_, to, n, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    n -= static_cast<std::size_t>(got);
  }
  return true;
}

void ZmtpPeer::append_frame(std::string& out, std::string_view body, bool more) {
  const unsigned char flags = more ? kMore : 0;
  if (body.size() <= 255) {
    out += static_cast<char>(flags);
    out += static_cast<char>(body.size());
  } else {
    out += static_cast<char>(flags | kLong);
    append_be64(out, body.size());
  }
  out += body;
}

void ZmtpPeer::append_request(std::string& out, std::string_view payload) {
  append_frame(out, {}, true);
  append_frame(out, payload, false);
}

bool ZmtpPeer::subscribe(std::string_view topic) {
  std::string frame;
  append_frame(frame, '\1' + std::string(topic), false);
  return send(frame);
}

bool ZmtpPeer::send(std::string_view framed) {
  while (!framed.empty()) {
    const ssize_t sent = ::send(fd_, framed.data(), framed.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    framed.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool ZmtpPeer::fill(Wait wait) {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);  // one frame larger than all of it
  const int flags = wait == Wait::yes ? 0 : MSG_DONTWAIT;
  const ssize_t got = ::recv(fd_, buffer_.data() + end_, buffer_.size() - end_, flags);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  end_ += static_cast<std::size_t>(got);
  return got > 0;
}

ZmtpPeer::Parsed ZmtpPeer::next(std::string_view& body) {
  const std::size_t have = end_ - begin_;
  const char* at = buffer_.data() + begin_;
  if (have < 2) return Parsed::need_more;
  const auto flags = static_cast<unsigned char>(at[0]);
  const std::size_t header = (flags & kLong) != 0 ? 9 : 2;
  if (have < header) return Parsed::need_more;
  const std::uint64_t size = header == 9 ? load_be64(at + 1) : static_cast<unsigned char>(at[1]);
  if (size > have - header) return Parsed::need_more;
  body = std::string_view(at + header, size);
  begin_ += header + size;
  return (flags & (kMore | kCommand)) != 0 ? Parsed::part : Parsed::message;
}

}  // namespace prismbus::perf
