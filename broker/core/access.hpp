// May this principal do that there: the one place that decides (I10). What a token grants, and what the
// policy in force grants and denies; a deny wins over any allow. The broker's own namespaces (`_...`) need
// admin on everything, for reading too. Immutable: a principal's access under one policy, shared with the
// reader thread, which judges under the policy of the view it reads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/policy.hpp"
#include "proto/token/pattern.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

class Access;
using AccessPtr = std::shared_ptr<const Access>;

class Access {
 public:
  struct Grants {
    std::vector<Pattern> read, write, admin;
    friend bool operator==(const Grants&, const Grants&) = default;
  };

  // Without security: everybody may do everything.
  [[nodiscard]] static AccessPtr everything();
  // Who showed no token.
  [[nodiscard]] static AccessPtr nothing();
  // `policy` is never null.
  Access(std::string principal, std::shared_ptr<const Grants> grants, std::shared_ptr<const Policy> policy);

  // The same principal's under another policy.
  [[nodiscard]] AccessPtr under(std::shared_ptr<const Policy> policy) const;
  // Whether that policy is the one it stands under, or it stands under none.
  [[nodiscard]] bool stands_under(const std::shared_ptr<const Policy>& policy) const {
    return grants_ == nullptr || policy_ == policy;
  }

  // True: both judge everything alike. False: they may still.
  [[nodiscard]] bool is_like(const Access& other) const;

  [[nodiscard]] bool may(Right right, std::string_view ns) const;
  // `under` and whatever is or will be below it; "" = every ordinary namespace.
  [[nodiscard]] bool may_all_below(Right right, std::string_view under) const;
  // The names at or below `under` of which everything at and below may be read, now and later; no one of them
  // below another. Appends; "" stands for every ordinary namespace.
  void add_readable_nodes(std::string_view under, std::vector<std::string>& nodes) const;
  [[nodiscard]] bool may_administer() const;  // admin on everything
  [[nodiscard]] bool is_secret(std::string_view ns) const { return policy_->is_secret(ns); }

  // permission_denied, which says nothing about what exists.
  [[nodiscard]] Result<void> authorise(Right right, std::string_view ns) const;
  [[nodiscard]] Result<void> authorise_admin() const;

 private:
  [[nodiscard]] const std::vector<Pattern>& patterns(Right right) const;

  std::string principal_;
  std::shared_ptr<const Grants> grants_;  // null: everything
  std::shared_ptr<const Policy> policy_;
};

}  // namespace prismbus
