// How many requests of each connection wait inside (for the disk, a read, a revision). Bounded per
// connection, so that one peer cannot fill the house (I8). Bus thread.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "broker/core/ports.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {

class InFlight {
 public:
  explicit InFlight(std::size_t connection_max) : connection_max_(connection_max) {}

  // Errors: overloaded.
  [[nodiscard]] Result<void> hold(ConnectionId connection) {
    std::size_t& count = counts_[connection];
    if (count >= connection_max_)
      return tl::unexpected(overloaded("too many requests of this connection wait", 20));
    ++count;
    ++total_;
    return {};
  }
  void release(ConnectionId connection) {
    const auto it = counts_.find(connection);
    PRISMBUS_ASSERT(it != counts_.end() && it->second > 0, "what is released was held");
    --total_;
    if (--it->second == 0) counts_.erase(it);
  }
  [[nodiscard]] std::size_t of(ConnectionId connection) const {
    const auto it = counts_.find(connection);
    return it == counts_.end() ? 0 : it->second;
  }
  [[nodiscard]] std::size_t total() const { return total_; }

 private:
  const std::size_t connection_max_;
  std::size_t total_ = 0;
  std::unordered_map<ConnectionId, std::size_t> counts_;
};

}  // namespace prismbus
