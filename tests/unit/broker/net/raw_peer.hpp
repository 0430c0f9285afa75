// A peer that speaks ZMTP 3.0 by hand over TCP: its messages are sent in parts, or never to their end.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <string>
#include <string_view>

namespace prismbus::test {

class RawPeer {
 public:
  RawPeer(const std::string& endpoint, std::string_view type) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    address.sin_port =
        ::htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    const void* const generic = &address;
    REQUIRE(::connect(fd_, static_cast<const sockaddr*>(generic), sizeof address) == 0);
    std::string greeting = std::string("\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL", 16);
    greeting.resize(64, '\0');
    const std::string property =
        std::string("\x0bSocket-Type\0\0\0", 15) + static_cast<char>(type.size()) + std::string(type);
    const std::string ready = "\x05READY" + property;
    const std::string hello = greeting + "\x04" + static_cast<char>(ready.size()) + ready;
    REQUIRE(::send(fd_, hello.data(), hello.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(hello.size()));
  }
  ~RawPeer() { ::close(fd_); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  static std::string frame(std::string_view body, bool more) {
    std::string out(1, static_cast<char>(2 + (more ? 1 : 0)));
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(body.size() >> shift);
    return out.append(body);
  }
  void add(std::string_view bytes) { unsent_.append(bytes); }
  // Once the other side is ready, sends what the kernel takes; true when all is sent. What else it says is
  // forgotten.
  bool pump() {
    std::array<char, 4096> heard{};
    const auto got = ::recv(fd_, heard.data(), heard.size(), MSG_DONTWAIT);
    if (got == 0) cut_ = true;
    if (got > 0 && !ready_) {
      heard_.append(heard.data(), static_cast<std::size_t>(got));
      ready_ = heard_.find("READY") != std::string::npos;
    }
    if (!ready_) return false;
    const auto sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent)), sent_ += static_cast<std::size_t>(sent);
    if (sent < 0 && errno != EAGAIN) cut_ = true;
    return unsent_.empty();
  }
  [[nodiscard]] bool cut() const { return cut_; }
  [[nodiscard]] std::size_t sent() const { return sent_; }

 private:
  int fd_;
  std::string unsent_, heard_;
  bool ready_ = false;
  std::size_t sent_ = 0;
  bool cut_ = false;
};

}  // namespace prismbus::test
