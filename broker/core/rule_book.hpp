// The rules in force: what `_system.policy` and `_system.revoked` say as of what is applied. Bus thread; each
// state of them is an immutable value that others keep. Their generation grows with every transaction that
// touches either, in that transaction: it is the sum of both namespaces' seqs, so it survives restarts and is
// the same on every broker.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "broker/core/policy.hpp"
#include "broker/core/revocations.hpp"
#include "broker/store/store.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

struct AccessRules {
  std::shared_ptr<const Policy> policy = std::make_shared<const Policy>();
  std::shared_ptr<const Revocations> revoked = std::make_shared<const Revocations>();
  std::uint64_t generation = 0;
};
using AccessRulesPtr = std::shared_ptr<const AccessRules>;

class RuleBook {
 public:
  explicit RuleBook(LogSink log) : log_(std::move(log)) {}

  // At start: the rules as folded; the tail is applied after it. Errors: internal (a stored record is
  // corrupt): the rules are then as they were, for some of them may grant what the others deny.
  [[nodiscard]] Result<void> load(const Store& store);
  // What an applied transaction changes; true: something.
  bool apply(const StoredTransaction& txn);

  [[nodiscard]] const AccessRulesPtr& rules() const { return rules_; }
  [[nodiscard]] const Policy& policy() const { return *rules_->policy; }

 private:
  void learn_policy(Policy& policy, std::string_view pattern, std::string_view value);
  void learn_revocation(Revocations& revoked, std::string_view key, std::string_view value);

  const LogSink log_;
  AccessRulesPtr rules_ = std::make_shared<const AccessRules>();
};

// The rules as they would be with these changes besides; for judging a write before it is one.
struct RuleChange {
  std::string_view ns, key;
  std::optional<std::string_view> value;  // nullopt: deleted
};
[[nodiscard]] AccessRules rules_with(const AccessRules& rules, const std::vector<RuleChange>& changes);

}  // namespace prismbus
