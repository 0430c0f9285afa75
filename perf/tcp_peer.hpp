// One plain TCP connection of a crowd: blocking while it joins, then read as epoll says. One thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "proto/base/result.hpp"

namespace prismbus::perf {

class TcpPeer {
 public:
  // `authority`: host:port, an address of IPv4. Errors: text.
  [[nodiscard]] static Result<TcpPeer, std::string> connect(const std::string& authority,
                                                            std::chrono::seconds patience);
  ~TcpPeer();
  TcpPeer(TcpPeer&& other) noexcept;
  TcpPeer& operator=(TcpPeer&&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool send(std::string_view bytes) const;
  // Adds what comes next to `in`; false: nothing in time, or it is closed.
  [[nodiscard]] bool receive(std::string& in) const;
  // The same of what is there already; -1: closed, 0: nothing more.
  [[nodiscard]] long receive_some(char* into, std::size_t most) const;

 private:
  explicit TcpPeer(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace prismbus::perf
