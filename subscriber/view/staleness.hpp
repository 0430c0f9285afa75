// What happens to reads of a namespace that is not known to be current any more. A namespace is current while
// it is live; its age counts from the end of that, over restarts too when a cache is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace prismbus {

enum class StalenessPolicy : std::uint8_t {
  serve,   // whatever its age
  warn,    // serve; log and call `grew_stale`, once until it is live again
  refuse,  // as warn, and Views give nothing until it is live again; readable() says why. Until then a handle
           // keeps the value it has (one bound meanwhile its default): ask readable() where that matters; and
           // a subscription is told changes that come, but no state (`initial`, after a `resync`)
};

struct StalenessRule {
  std::string under{};  // this namespace and everything below it; "" = all
  StalenessPolicy policy = StalenessPolicy::serve;
  std::chrono::milliseconds after{60'000};  // the age at which it happens; 0 to ten years
};

}  // namespace prismbus
