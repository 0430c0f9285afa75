// What peers have sent and is not yet whole or not yet answered, of all connections together: each has a
// limit of its own, and so many of them would still be too much (I8). Gateway thread.
#pragma once

#include <cstddef>

namespace prismbus {

// Bytes that are taken are given back by whoever took them.
class BodyBudget {
 public:
  static constexpr std::size_t kMost = 256u << 20;
  // False: no room; come again.
  [[nodiscard]] bool take(std::size_t bytes) {
    if (bytes > kMost - taken_) return false;
    taken_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes) { taken_ -= bytes; }

 private:
  std::size_t taken_ = 0;
};

}  // namespace prismbus
