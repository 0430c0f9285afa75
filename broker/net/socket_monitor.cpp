#include "broker/net/socket_monitor.hpp"

#include <cerrno>
#include <cstring>

#include "proto/base/assert.hpp"

namespace prismbus {

SocketMonitor::SocketMonitor(Context& context, const BoundSocket& socket, int number)
    : watched_(socket.get()), events_(zmq_socket(context.handle(), ZMQ_PAIR)) {
  PRISMBUS_ASSERT(events_ != nullptr, "the broker opens a handful of sockets, first of all");
  const int none = 0;
  zmq_setsockopt(events_, ZMQ_RCVHWM, &none, sizeof none);
  zmq_setsockopt(events_, ZMQ_LINGER, &none, sizeof none);
  const std::string name = "inproc://monitor." + std::to_string(number);
  const int told = zmq_socket_monitor(watched_, name.c_str(), ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
  const int heard = zmq_connect(events_, name.c_str());
  PRISMBUS_ASSERT(told == 0 && heard == 0, "a socket that is open can be watched, under a name of its own");
}

// The monitor first: once its reader is gone it would block whoever tells it anything.
SocketMonitor::~SocketMonitor() {
  zmq_socket_monitor(watched_, nullptr, 0);
  zmq_close(events_);
}

// Two frames: the event (16 bits) and its value (32 bits), as the machine writes them; the endpoint.
std::optional<SocketMonitor::Event> SocketMonitor::next() {
  constexpr std::size_t kEventBytes = sizeof(std::uint16_t) + sizeof(std::int32_t);
  for (;;) {
    std::uint16_t event = 0;
    std::int32_t value = -1;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    int size = -1;
    while ((size = zmq_msg_recv(&frame, events_, ZMQ_DONTWAIT)) < 0 && errno == EINTR) {
    }
    if (size >= static_cast<int>(kEventBytes)) {
      const char* const bytes = static_cast<const char*>(zmq_msg_data(&frame));
      std::memcpy(&event, bytes, sizeof event);
      std::memcpy(&value, bytes + sizeof event, sizeof value);
    }
    while (size >= 0 && zmq_msg_more(&frame) != 0) size = zmq_msg_recv(&frame, events_, ZMQ_DONTWAIT);
    zmq_msg_close(&frame);
    if (size < 0) return std::nullopt;
    if (event == ZMQ_EVENT_ACCEPTED) return Event{Event::Kind::accepted, value};
    if (event == ZMQ_EVENT_DISCONNECTED) return Event{Event::Kind::disconnected, value};
  }
}

}  // namespace prismbus
