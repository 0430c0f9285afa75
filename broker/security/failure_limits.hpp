// How many bad tokens one connection and one address may show: of a connection a few, then it is cut; of an
// address a number a second, then nothing more is verified for it until it has waited. Bounded; the bus
// thread's.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "broker/core/ports.hpp"

namespace prismbus {

class FailureLimits {
 public:
  static constexpr std::uint32_t kOfConnection = 16;
  static constexpr double kOfAddressBurst = 200, kOfAddressPerSecond = 20;
  static constexpr std::size_t kAddressesMax = 16'384;

  // True: this connection had its last one.
  [[nodiscard]] bool count(ConnectionId connection, const std::string& address, Now now);
  // How long that address has to wait before a token of it is verified; zero: not at all.
  [[nodiscard]] std::chrono::milliseconds wait_of(const std::string& address, Now now);
  void forget(ConnectionId connection) { connections_.erase(connection); }

 private:
  struct Allowance {
    double left = kOfAddressBurst;
    Steady at{};
  };
  Allowance& allowance_of(const std::string& address, Now now);

  std::unordered_map<ConnectionId, std::uint32_t> connections_;
  std::unordered_map<std::string, Allowance> addresses_;
};

}  // namespace prismbus
