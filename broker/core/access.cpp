#include "broker/core/access.hpp"

#include <algorithm>
#include <utility>

#include "proto/wire/names.hpp"

namespace prismbus {

AccessPtr Access::everything() {
  return std::make_shared<const Access>("anonymous", nullptr, std::make_shared<const Policy>());
}

AccessPtr Access::nothing() {
  return std::make_shared<const Access>("anonymous", std::make_shared<const Grants>(),
                                        std::make_shared<const Policy>());
}

Access::Access(std::string principal, std::shared_ptr<const Grants> grants,
               std::shared_ptr<const Policy> policy)
    : principal_(std::move(principal)), grants_(std::move(grants)), policy_(std::move(policy)) {}

AccessPtr Access::under(std::shared_ptr<const Policy> policy) const {
  return std::make_shared<const Access>(principal_, grants_, std::move(policy));
}

const std::vector<Pattern>& Access::patterns(Right right) const {
  return right == Right::read ? grants_->read : right == Right::write ? grants_->write : grants_->admin;
}

bool Access::is_like(const Access& other) const {
  if (grants_ == nullptr || other.grants_ == nullptr) return grants_ == other.grants_;
  if (principal_ != other.principal_ || *grants_ != *other.grants_) return false;
  return policy_ == other.policy_ || (!policy_->speaks_of_rights() && !other.policy_->speaks_of_rights());
}

bool Access::may(Right right, std::string_view ns) const {
  if (grants_ == nullptr) return true;
  if (is_system_namespace(ns)) return may_administer();
  if (policy_->denies(principal_, right, ns)) return false;
  const auto& granted = patterns(right);
  return std::any_of(granted.begin(), granted.end(), [ns](const Pattern& p) { return p.covers(ns); }) ||
         policy_->grants(principal_, right, ns);
}

bool Access::may_all_below(Right right, std::string_view under) const {
  if (grants_ == nullptr) return true;
  if (is_system_namespace(under)) return may_administer();
  if (policy_->denies_within(principal_, right, under)) return false;
  const auto& granted = patterns(right);
  return std::any_of(granted.begin(), granted.end(),
                     [under](const Pattern& p) { return p.covers_all_below(under); }) ||
         policy_->grants_all_below(principal_, right, under);
}

void Access::add_readable_nodes(std::string_view under, std::vector<std::string>& nodes) const {
  std::vector<std::string> candidates;
  if (may_all_below(Right::read, under)) {
    candidates.emplace_back(under);
  } else if (grants_ != nullptr) {
    for (const Pattern& pattern : grants_->read) {
      if (pattern.is_below() && is_under(pattern.name(), under)) candidates.push_back(pattern.name());
    }
    policy_->add_nodes_granted(principal_, Right::read, under, candidates);
  }
  std::sort(candidates.begin(), candidates.end());
  const auto is_new = [&](const std::string& name) {
    return may_all_below(Right::read, name) &&
           std::none_of(nodes.begin(), nodes.end(),
                        [&](const std::string& node) { return is_under(name, node); });
  };
  for (std::string& name : candidates) {
    if (is_new(name)) nodes.push_back(std::move(name));
  }
}

bool Access::may_administer() const {
  return grants_ == nullptr || may_all_below(Right::admin, {});
}

Result<void> Access::authorise(Right right, std::string_view ns) const {
  if (may(right, ns)) return {};
  return tl::unexpected(error_of(ErrorCode::permission_denied, "not permitted"));
}

Result<void> Access::authorise_admin() const {
  if (may_administer()) return {};
  return tl::unexpected(error_of(ErrorCode::permission_denied, "not permitted"));
}

}  // namespace prismbus
