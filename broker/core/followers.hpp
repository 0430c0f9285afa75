// Who follows the change stream: connections whose `hello` said so, until they are gone. Their number paces
// the heartbeat. Bus thread; bounded by the process's descriptors.
#pragma once

#include <cstddef>
#include <unordered_set>

#include "broker/core/ports.hpp"

namespace prismbus {

class Followers {
 public:
  void greet(ConnectionId connection, const HelloRequest& hello) {
    if (hello.follow_ns.empty() && hello.follow_under.empty()) {
      connections_.erase(connection);
    } else {
      connections_.insert(connection);
    }
  }
  void gone(ConnectionId connection) { connections_.erase(connection); }
  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  std::unordered_set<ConnectionId> connections_;
};

}  // namespace prismbus
