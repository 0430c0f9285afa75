// What every bound ZeroMQ socket of the broker has in common: the context, the options that libzmq 4.3.4
// needs to be safe in public (each is explained where it is set), binding, and sending one owned frame
// without a needless copy. A socket belongs to the thread that uses it; it may be handed over once, before
// that thread starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/error.hpp"

namespace prismbus {

// The libzmq context. Outlives every socket; destroying it waits for their linger.
class NetContext {
 public:
  explicit NetContext(int io_threads = 1);  // seeds rand() first: libzmq names connections with it
  ~NetContext();
  NetContext(const NetContext&) = delete;
  NetContext& operator=(const NetContext&) = delete;
  [[nodiscard]] void* get() const { return context_; }

 private:
  void* context_;
};

struct BoundSocketOptions {
  int type = 0;                          // ZMQ_ROUTER, ZMQ_XPUB
  int send_frames_max = 0;               // SNDHWM: per peer; never 0
  std::int64_t frame_bytes_max = 0;      // MAXMSGSIZE of what peers send
  std::uint64_t io_thread_affinity = 0;  // ZMQ_AFFINITY; 0 = any
};

class BoundSocket {
 public:
  BoundSocket(NetContext& context, const BoundSocketOptions& options);
  ~BoundSocket();
  BoundSocket(const BoundSocket&) = delete;
  BoundSocket& operator=(const BoundSocket&) = delete;

  // Binds and gives the endpoint really bound (port 0 and `*` resolved by the system). An ipc path that
  // somebody listens on is refused: libzmq would take it away from its owner. Errors: unavailable (in use, no
  // such address), invalid_argument (libzmq does not know the transport or the form).
  [[nodiscard]] Result<std::string> bind(const std::string& endpoint);
  [[nodiscard]] const std::vector<std::string>& endpoints() const { return endpoints_; }

  [[nodiscard]] void* get() const { return socket_; }
  [[nodiscard]] int fd() const { return fd_; }  // edge-triggered: ask has_input() before sleeping on it
  [[nodiscard]] bool has_input();

 private:
  void* socket_;
  int fd_ = -1;
  std::vector<std::string> endpoints_;
};

// Sends `bytes` as one frame with `flags` (ZMQ_SNDMORE, ZMQ_DONTWAIT). Small frames are copied, large ones
// given away. False with errno set when libzmq did not take it.
[[nodiscard]] bool send_owned(void* socket, std::string&& bytes, int flags);

}  // namespace prismbus
