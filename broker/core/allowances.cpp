#include "broker/core/allowances.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace prismbus {

void Allowances::set_rate(std::size_t per_second) {
  per_second_ = static_cast<double>(per_second);
  if (per_second == 0) {
    young_.clear();
    old_.clear();
  }
}

double Allowances::patience_max() const {
  return std::max(kPatienceMin, kPatienceSeconds * per_second_);
}

Allowances::Allowance& Allowances::allowance_of(std::string_view name, Steady now) {
  if (const auto at = young_.find(name); at != young_.end()) return at->second;
  Allowance allowance{per_second_, patience_max(), now};
  if (const auto at = old_.find(name); at != old_.end()) {
    allowance = at->second;
    old_.erase(at);
  }
  if (young_.size() >= kNamesMax / 2) old_ = std::exchange(young_, {});
  return young_.emplace(std::string(name), allowance).first->second;
}

Allowances::Take Allowances::take(std::string_view name, Steady now) {
  if (!limited()) return Take::granted;
  Allowance& allowance = allowance_of(name, now);
  const double grown = per_second_ * std::chrono::duration<double>(now - allowance.at).count();
  allowance.at = now;
  allowance.left = std::min(per_second_, allowance.left + grown);
  allowance.patience = std::min(patience_max(), allowance.patience + grown);
  if (allowance.left >= 1) {
    --allowance.left;
    return Take::granted;
  }
  if (allowance.patience < 1) return Take::hopeless;
  --allowance.patience;
  return Take::refused;
}

std::chrono::milliseconds Allowances::wait_of(std::string_view name) const {
  const auto at = young_.find(name);
  if (at == young_.end() || !limited()) return {};
  const double missing = std::max(0.0, 1 - at->second.left);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(1000 * missing / per_second_)));
}

}  // namespace prismbus
