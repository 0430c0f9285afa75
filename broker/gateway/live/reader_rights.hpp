// What one socket may read, under the rules in force and under those before: who may read a namespace only
// now has missed what was written there. Judged by the core's own Access (I10). Gateway thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/core/principal.hpp"
#include "broker/core/rule_book.hpp"

namespace prismbus {

class ReaderRights {
 public:
  // A `hello` has bound another token, or the first.
  void set_principal(std::shared_ptr<const Principal> principal, const AccessRulesPtr& rules) {
    principal_ = std::move(principal);
    set_access(principal_->access);
    if (rules) set_rules(rules);
  }
  void set_rules(const AccessRulesPtr& rules) {
    if (principal_ && !access()->stands_under(rules->policy))
      set_access(principal_->access->under(rules->policy));
  }

  [[nodiscard]] bool known() const { return principal_ != nullptr; }
  [[nodiscard]] const Principal& principal() const { return *principal_; }
  [[nodiscard]] const AccessPtr& access() const { return seen_.back(); }
  [[nodiscard]] bool may_read(std::string_view ns) const { return access()->may(Right::read, ns); }

  // A place in time, for hidden_since().
  [[nodiscard]] std::size_t now() const { return forgotten_ + seen_.size() - 1; }
  // Whether that namespace could not be read at some time since then.
  [[nodiscard]] bool hidden_since(std::size_t then, std::string_view ns) const {
    if (then < forgotten_) return true;
    for (std::size_t i = then - forgotten_; i + 1 < seen_.size(); ++i) {
      if (!seen_[i]->may(Right::read, ns)) return true;
    }
    return false;
  }

 private:
  static constexpr std::size_t kSeenMax = 16;

  // Tokens are renewed, and said again with every other `hello`, without an end: only what differs counts.
  void set_access(AccessPtr access) {
    if (!seen_.empty() && seen_.back()->is_like(*access)) {
      seen_.back() = std::move(access);
      return;
    }
    seen_.push_back(std::move(access));
    if (seen_.size() <= kSeenMax) return;
    seen_.erase(seen_.begin());
    ++forgotten_;
  }

  std::shared_ptr<const Principal> principal_;
  std::vector<AccessPtr> seen_;  // the last one is in force
  std::size_t forgotten_ = 0;
};

}  // namespace prismbus
