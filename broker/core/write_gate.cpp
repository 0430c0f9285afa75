#include "broker/core/write_gate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kComeBackAfterMs = 20;

bool is_rule(std::string_view ns) {
  return ns == kPolicyNamespace || ns == kRevokedNamespace;
}

Result<void> validate_rule(std::string_view ns, std::string_view key, std::string_view value, bool secured) {
  if (ns == kRevokedNamespace) return decode_revocation(key, value).map([](const Revocation&) {});
  if (auto sound = validate_policy_pattern(key); !sound) return sound;
  const auto rule = decode_policy_rule(value);
  if (!rule) return tl::unexpected(rule.error());
  if (rule->secret != true || secured) return {};
  Error error = error_of(ErrorCode::rejected, "the policy is not taken");
  error.path = "value.secret";
  error.reason = "needs security on: there is no key to seal values with";
  return tl::unexpected(std::move(error));
}

}  // namespace

Result<void> WriteGate::pass(const Principal& principal, const WriteIntent& intent) {
  if (auto allowed = authorise(principal, intent); !allowed) return allowed;
  return validate_rules(intent);
}

Result<void> WriteGate::authorise(const Principal& principal, const WriteIntent& intent) {
  const auto may_write = [&](std::string_view ns) -> Result<void> {
    if (auto allowed = principal.authorise(Right::write, ns); !allowed) return allowed;
    if (!is_system_namespace(ns) || is_rule(ns)) return {};
    return tl::unexpected(unsupported("ns", "namespaces that start with `_` are the broker's own"));
  };
  // What a rollback changes is not known yet, only where. The rules it restores passed here once.
  if (intent.rollback != nullptr) return may_write(intent.rollback->ns);
  for (const auto& item : intent.items) {
    if (auto allowed = may_write(item.ns); !allowed) return allowed;
  }
  if (intent.op != WriteOp::txn) return {};
  for (const auto& condition : intent.conditions) {
    if (auto allowed = principal.authorise(Right::read, condition.ns); !allowed) return allowed;
  }
  return {};
}

// A rule that is not understood is refused now, so that nobody finds out later what was meant.
Result<void> WriteGate::validate_rules(const WriteIntent& intent) {
  std::size_t policies = 0, revocations = 0;  // that are new
  for (std::size_t i = 0; i < intent.items.size(); ++i) {
    const auto& item = intent.items[i];
    if (!is_rule(item.ns) || item.op != ChangeOp::put) continue;
    if (auto sound = validate_rule(item.ns, item.key, item.value, secured_); !sound) {
      Error error = sound.error();
      if (intent.op == WriteOp::txn) error.path = fmt::format("do[{}].{}", i, error.path.value_or(""));
      return tl::unexpected(std::move(error));
    }
    const auto fact = ledger_.find(item.ns, item.key);
    if (fact && !fact->live) ++(item.ns == kPolicyNamespace ? policies : revocations);
  }
  const auto has_room = [&](std::string_view ns, std::size_t added, std::size_t most) -> Result<void> {
    if (added == 0) return {};
    const auto standing = ledger_.find_namespace(ns);
    if (!standing) return tl::unexpected(standing.error());
    if (standing->figures.keys + added <= most) return {};
    Error error = error_of(ErrorCode::rejected, fmt::format("{} is full", ns));
    error.path = "key";
    error.reason = fmt::format("at most {} keys", most);
    return tl::unexpected(std::move(error));
  };
  if (auto room = has_room(kPolicyNamespace, policies, Policy::kPatternsMax); !room) return room;
  return has_room(kRevokedNamespace, revocations, Revocations::kKeysMax);
}

Result<void> WriteGate::leaves_an_admin(const Principal& principal, const WriteIntent& intent) const {
  if (principal.token_hash.empty()) return {};  // there is no security to be locked out of
  std::vector<RuleChange> changes;
  for (const auto& item : intent.items) {
    if (!is_rule(item.ns)) continue;
    const bool put = item.op == ChangeOp::put;
    changes.push_back({item.ns, item.key, put ? std::optional<std::string_view>(item.value) : std::nullopt});
  }
  if (changes.empty()) return {};
  if (!pending_.transactions_of(kPolicyNamespace).empty() ||
      !pending_.transactions_of(kRevokedNamespace).empty()) {
    return tl::unexpected(overloaded("another change of the rules is under way", kComeBackAfterMs));
  }
  const AccessRules after = rules_with(*rules_.rules(), changes);
  const bool revoked = after.revoked->revoke(principal.name, principal.issued, principal.token_hash);
  if (!revoked && principal.access->under(after.policy)->may_administer()) return {};
  Error error =
      error_of(ErrorCode::rejected, "whoever changes the rules has to be left with admin on everything");
  error.path = "ns";
  error.reason = "it would take admin on `**` from the one who writes it";
  return tl::unexpected(std::move(error));
}

}  // namespace prismbus
