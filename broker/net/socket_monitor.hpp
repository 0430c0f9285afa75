// What libzmq tells of a bound socket's connections: accepted, disconnected, each with its descriptor. Read
// by one thread; made and ended while nobody else uses the bound socket. Its queue has no mark: a monitor
// that is full would stop the I/O thread (I8 is kept by the one who reads, who has to do so all the time).
#pragma once

#include <zmq.h>

#include <cstdint>
#include <optional>
#include <string>

#include "broker/net/bound_socket.hpp"
#include "proto/transport/context.hpp"

namespace prismbus {

class SocketMonitor {
 public:
  struct Event {
    enum class Kind : std::uint8_t { accepted, disconnected } kind;
    int fd;
  };

  // `socket` outlives this, and is not bound yet: nobody is missed. `number`: another one for each monitor of
  // the context.
  SocketMonitor(Context& context, const BoundSocket& socket, int number);
  ~SocketMonitor();
  SocketMonitor(const SocketMonitor&) = delete;
  SocketMonitor& operator=(const SocketMonitor&) = delete;

  [[nodiscard]] std::optional<Event> next();  // does not block; in the order of what happened
  [[nodiscard]] void* handle() const { return events_; }

 private:
  void* const watched_;
  void* const events_;
};

}  // namespace prismbus
