#include "broker/security/failure_limits.hpp"

#include <algorithm>

namespace prismbus {

FailureLimits::Allowance& FailureLimits::allowance_of(const std::string& address, Now now) {
  const auto refill = [now](Allowance& a) {
    const double seconds = std::chrono::duration<double>(now.steady - a.at).count();
    a.left = std::min(kOfAddressBurst, a.left + seconds * kOfAddressPerSecond);
    a.at = now.steady;
  };
  if (const auto known = addresses_.find(address); known != addresses_.end()) {
    refill(known->second);
    return known->second;
  }
  if (addresses_.size() >= kAddressesMax) {
    for (auto& [name, allowance] : addresses_) refill(allowance);
    std::erase_if(addresses_, [](const auto& item) { return item.second.left >= kOfAddressBurst; });
    if (addresses_.size() >= kAddressesMax) addresses_.erase(addresses_.begin());
  }
  return addresses_.emplace(address, Allowance{kOfAddressBurst, now.steady}).first->second;
}

bool FailureLimits::count(ConnectionId connection, const std::string& address, Now now) {
  Allowance& allowance = allowance_of(address, now);
  allowance.left = std::max(0.0, allowance.left - 1);
  return ++connections_[connection] >= kOfConnection;
}

std::chrono::milliseconds FailureLimits::wait_of(const std::string& address, Now now) {
  const auto known = addresses_.find(address);
  if (known == addresses_.end() || allowance_of(address, now).left >= 1) return {};
  return std::chrono::milliseconds(static_cast<std::int64_t>(1000 / kOfAddressPerSecond));
}

}  // namespace prismbus
