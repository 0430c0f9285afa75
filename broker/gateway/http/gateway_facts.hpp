// What the gateway knows without asking the core. Plain data; lives for one request.
#pragma once

#include <cstddef>
#include <cstdint>

namespace prismbus {

class HttpMeter;

struct GatewayFacts {
  std::uint64_t bus_age_ms = 0;  // since the bus thread's last step
  bool takes_writes = false, draining = false;
  std::size_t web_sockets = 0;      // connections that became one
  const HttpMeter* http = nullptr;  // of the gateway; outlives every exchange
};

}  // namespace prismbus
