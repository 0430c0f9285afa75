// A ZMTP 3.0 peer with the NULL mechanism on one TCP or IPC connection: the cheapest load generator there is,
// since it has no thread, no queue and no allocation of its own. Messages are framed by the caller into one
// buffer and sent by one system call; whatever has arrived is received by one and handed out message by
// message. One thread. Speaks as DEALER (messages are [empty][payload]) or SUB. No reconnect: a lost
// connection is an answer. Source: rfc.zeromq.org/spec/23.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.hpp"

namespace prismbus::perf {

class ZmtpPeer {
 public:
  enum class Role : std::uint8_t { dealer, sub };

  static constexpr std::size_t kReceiveBytes = 256 * 1024;

  // Connects and shakes hands within `deadline`; the error says what went wrong. Blocks. Its buffer of
  // `receive_bytes` grows with what arrives: small for who holds thousands of them.
  [[nodiscard]] static Result<ZmtpPeer, std::string> connect(const std::string& endpoint, Role role,
                                                             std::chrono::milliseconds deadline,
                                                             std::size_t receive_bytes = kReceiveBytes);
  ~ZmtpPeer();
  ZmtpPeer(ZmtpPeer&& other) noexcept;
  ZmtpPeer& operator=(ZmtpPeer&&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

  // Appends a frame (`more` = not the last of its message) to `out`.
  static void append_frame(std::string& out, std::string_view body, bool more);
  // Appends [empty][payload], what a ROUTER takes for a request.
  static void append_request(std::string& out, std::string_view payload);

  [[nodiscard]] bool subscribe(std::string_view topic);  // SUB only
  [[nodiscard]] bool send(std::string_view framed);      // all of it; blocks while the peer does not read

  enum class Wait : std::uint8_t { no, yes };
  // One system call's worth of input: calls on_message(payload) with the last frame of each whole message.
  // False = the connection is gone or speaks no ZMTP. Wait::yes blocks until something comes, at most a
  // second.
  template <class F>
  [[nodiscard]] bool receive(Wait wait, F&& on_message) {
    if (!fill(wait)) return false;
    std::string_view body;
    for (Parsed parsed = next(body); parsed != Parsed::need_more; parsed = next(body)) {
      if (parsed == Parsed::message) on_message(body);
    }
    return true;
  }

 private:
  enum class Parsed : std::uint8_t { need_more, part, message };

  ZmtpPeer(int fd, std::size_t receive_bytes);
  [[nodiscard]] Result<void, std::string> shake_hands(Role role);
  [[nodiscard]] bool read_exactly(char* to, std::size_t n);
  [[nodiscard]] bool fill(Wait wait);
  [[nodiscard]] Parsed next(std::string_view& body);

  int fd_ = -1;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what of buffer_ is received and not handed out
};

}  // namespace prismbus::perf
