// How many requests of each connection wait inside (for the disk, a read, a revision), and how many bytes of
// those that are kept as they came. Bounded per connection, so that one peer cannot fill the house, the bytes
// of all together as well (I8). Bus thread.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "broker/core/asked.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/settings.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {

class InFlight {
 public:
  struct Bounds {
    std::size_t connection_max, connection_bytes_max, bytes_max;
  };
  explicit InFlight(const PipelineSettings& settings)
      : InFlight(Bounds{settings.connection_in_flight_max, settings.connection_waiting_bytes_max,
                        settings.waiting_bytes_max}) {}
  explicit InFlight(const Bounds& bounds) : bounds_(bounds) {}

  // `bytes`: of the request when it is kept as it came; the same are released. Errors: overloaded.
  [[nodiscard]] Result<void> hold(ConnectionId connection, std::size_t bytes = 0) {
    Held& held = held_[connection];
    if (held.requests >= bounds_.connection_max)
      return tl::unexpected(overloaded("too many requests of this connection wait", 20));
    // The first of a connection always has its place, however large: the bound is on what gathers.
    const bool too_much = held.bytes > 0 && held.bytes + bytes > bounds_.connection_bytes_max;
    if (bytes > 0 && (too_much || total_.bytes + bytes > bounds_.bytes_max)) {
      if (held.requests == 0) held_.erase(connection);
      return tl::unexpected(
          overloaded(too_much ? "too many bytes of this connection wait" : "too many bytes wait", 100));
    }
    held.add(bytes);
    total_.add(bytes);
    return {};
  }
  // It waits with its payload.
  [[nodiscard]] Result<void> keep(const Asked& asked) {
    return hold(asked.from.connection, asked.payload.size());
  }
  void release(ConnectionId connection, std::size_t bytes = 0) {
    const auto it = held_.find(connection);
    PRISMBUS_ASSERT(it != held_.end() && it->second.requests > 0 && it->second.bytes >= bytes,
                    "what is released was held");
    total_.take(bytes);
    it->second.take(bytes);
    if (it->second.requests == 0) held_.erase(it);
  }
  [[nodiscard]] std::size_t of(ConnectionId connection) const {
    const auto it = held_.find(connection);
    return it == held_.end() ? 0 : it->second.requests;
  }
  [[nodiscard]] std::size_t total() const { return total_.requests; }
  [[nodiscard]] std::size_t bytes() const { return total_.bytes; }

 private:
  struct Held {
    std::size_t requests = 0, bytes = 0;
    void add(std::size_t more) { ++requests, bytes += more; }
    void take(std::size_t less) { --requests, bytes -= less; }
  };
  const Bounds bounds_;
  Held total_;
  std::unordered_map<ConnectionId, Held> held_;
};

}  // namespace prismbus
