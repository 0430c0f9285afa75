// The gateway put together: listens on one address, takes connections within a limit, tells them what the
// core answers. One thread runs it; everything of it lives there. The core is reached by queues alone.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "broker/core/bus_pulse.hpp"
#include "broker/gateway/gateway_door.hpp"
#include "broker/gateway/live/live_channel.hpp"
#include "broker/gateway/tls_context.hpp"
#include "proto/base/log.hpp"
#include "proto/base/waker.hpp"

namespace prismbus {

struct GatewaySettings {
  std::string host;  // an address, a name, or * for all
  std::uint16_t port = 0;
  std::vector<std::string> hosts, origins;  // besides its own (origin_rules.hpp)
  std::size_t connections_max = 0;          // more are told 503 (with TLS nothing) and closed
  TlsFiles tls;
};

class Gateway {
 public:
  struct Queues {
    BoundedQueue<GatewayRequest>& to_bus;
    BoundedQueue<GatewayReply>& from_bus;  // wakes `waker`
    LiveChannel& live;                     // the same
  };
  // For either queue.
  [[nodiscard]] static std::size_t queue_capacity(std::size_t connections_max);

  // Binds. All outlive this. Errors: unavailable (the address cannot be bound), those of
  // load_tls_context().
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> open(const GatewaySettings& settings, Queues queues,
                                                             const BusPulse& pulse, Waker& waker,
                                                             LogSink log);
  ~Gateway();

  [[nodiscard]] std::string endpoint() const;  // http://127.0.0.1:7480 or https://..., as bound

  // Serves on the caller's thread until `stop` is requested and `waker` woken, by when whoever fills
  // `from_bus` has ended; answers what has an answer by then, closes the rest. Once.
  void run(const std::stop_token& stop);

 private:
  struct Impl;
  explicit Gateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
