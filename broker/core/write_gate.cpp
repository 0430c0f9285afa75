#include "broker/core/write_gate.hpp"

#include <fmt/format.h>

#include "broker/core/policy.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {

Result<void> WriteGate::pass(const Principal& principal, const WriteIntent& intent) {
  if (auto allowed = authorise(principal, intent); !allowed) return allowed;
  return validate_policy(intent);
}

Result<void> WriteGate::authorise(const Principal& principal, const WriteIntent& intent) {
  const auto may_write = [&](std::string_view ns) -> Result<void> {
    if (auto allowed = authoriser_.authorise(principal, Right::write, ns); !allowed) return allowed;
    if (!is_system_namespace(ns) || ns == kPolicyNamespace) return {};
    return tl::unexpected(unsupported("ns", "namespaces that start with `_` are the broker's own"));
  };
  // What a rollback changes is not known yet, only where. The policies it restores passed here once.
  if (intent.rollback != nullptr) return may_write(intent.rollback->ns);
  for (const auto& item : intent.items) {
    if (auto allowed = may_write(item.ns); !allowed) return allowed;
  }
  if (intent.op != WriteOp::txn) return {};
  for (const auto& condition : intent.conditions) {
    if (auto allowed = authoriser_.authorise(principal, Right::read, condition.ns); !allowed) return allowed;
  }
  return {};
}

// A policy that is not understood is refused now, so that nobody finds out later what was meant.
Result<void> WriteGate::validate_policy(const WriteIntent& intent) {
  std::size_t added = 0;
  for (std::size_t i = 0; i < intent.items.size(); ++i) {
    const auto& item = intent.items[i];
    if (item.ns != kPolicyNamespace || item.op != ChangeOp::put) continue;
    auto sound = validate_policy_pattern(item.key);
    if (sound) sound = decode_policy_rule(item.value).map([](const PolicyRule&) {});
    if (!sound) {
      Error error = sound.error();
      if (intent.op == WriteOp::txn) error.path = fmt::format("do[{}].{}", i, error.path.value_or(""));
      return tl::unexpected(std::move(error));
    }
    const auto fact = ledger_.find(item.ns, item.key);
    if (fact && !fact->live) ++added;
  }
  if (added == 0) return {};
  const auto standing = ledger_.find_namespace(kPolicyNamespace);
  if (!standing) return tl::unexpected(standing.error());
  if (standing->figures.keys + added <= Policy::kPatternsMax) return {};
  Error error = error_of(ErrorCode::rejected, "the policy is full");
  error.path = "key";
  error.reason = fmt::format("at most {} patterns", Policy::kPatternsMax);
  return tl::unexpected(std::move(error));
}

}  // namespace prismbus
