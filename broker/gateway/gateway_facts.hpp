// What the gateway knows without asking the core. Plain data.
#pragma once

#include <cstdint>

namespace prismbus {

struct GatewayFacts {
  std::uint64_t bus_age_ms = 0;  // since the bus thread's last step
  bool takes_writes = false, draining = false;
};

}  // namespace prismbus
