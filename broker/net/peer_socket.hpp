// A peer's socket inside libzmq, known by its descriptor: what the kernel counted of it, and cutting it,
// alone. Descriptors are reused and inodes are not, so every look compares the inode first. A value; any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace prismbus {

class PeerSocket {
 public:
  PeerSocket() = default;
  // What is behind `fd` now; not known() when that is no connected socket.
  [[nodiscard]] static PeerSocket at(int fd);

  [[nodiscard]] bool known() const { return fd_ >= 0; }
  [[nodiscard]] bool is_there() const;  // the same socket, still connected
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint64_t inode() const { return inode_; }
  [[nodiscard]] bool is_tcp() const { return tcp_; }
  // Numeric, without the port; empty: it has none (ipc).
  [[nodiscard]] std::string ip() const;

  // Of its whole life. `received` less `unread` is what libzmq has read.
  struct Traffic {
    std::uint64_t received = 0, unread = 0, acked = 0;
    [[nodiscard]] std::uint64_t read() const { return received > unread ? received - unread : 0; }
  };
  // nullopt: gone, or no tcp.
  [[nodiscard]] std::optional<Traffic> traffic() const;

  // Cuts this connection and no other; false when it is gone already.
  [[nodiscard]] bool cut() const;

 private:
  int fd_ = -1;
  bool tcp_ = false;
  std::uint64_t inode_ = 0;
  std::array<char, 32> peer_{};  // getpeername() as it was when first seen
  std::uint32_t peer_size_ = 0;
};

}  // namespace prismbus
