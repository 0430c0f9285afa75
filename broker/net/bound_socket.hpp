// A bound socket of the broker: a transport socket of a server's role, plus what only a public door needs:
// admission by ZAP, a short handshake, a limit on the frames of peers, and a descriptor to sleep on. Belongs
// to the thread that uses it; it may be handed over once, before that thread starts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/transport/context.hpp"
#include "proto/transport/endpoint.hpp"
#include "proto/transport/socket.hpp"

namespace prismbus {

// What a bound socket calls itself to the admission.
inline constexpr const char* kPlainDomain = "prismbus";
inline constexpr const char* kCurveDomain = "prismbus.curve";

struct BoundSocketOptions {
  SocketRole role = SocketRole::requests_server;
  int send_frames_max = 1;  // SNDHWM, for each peer; never 0: that is memory at a slow peer's mercy (I8)
  std::int64_t frame_bytes_max = 0;      // MAXMSGSIZE: a peer that sends a larger frame is disconnected
  std::uint64_t io_thread_affinity = 0;  // 0 = any
  std::string curve_secret{};            // not empty: speaks CURVE with this key, and nothing else
};

class BoundSocket {
 public:
  BoundSocket(Context& context, const BoundSocketOptions& options);  // aborts when no socket is to be had

  // Binds and gives the endpoint really bound (port 0 and `*` resolved by the system). An ipc path that
  // somebody listens on is refused: libzmq would take it away from its owner. Errors: unavailable (in use, no
  // such address).
  [[nodiscard]] Result<std::string> bind(const Endpoint& endpoint);
  [[nodiscard]] const std::vector<std::string>& endpoints() const { return endpoints_; }

  [[nodiscard]] void* get() const { return socket_.handle(); }
  [[nodiscard]] Socket& socket() { return socket_; }
  [[nodiscard]] int fd() const { return fd_; }  // edge-triggered: ask has_input() before sleeping on it
  [[nodiscard]] bool has_input();

 private:
  Socket socket_;
  int fd_ = -1;
  std::vector<std::string> endpoints_;
};

}  // namespace prismbus
