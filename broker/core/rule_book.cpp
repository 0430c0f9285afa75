#include "broker/core/rule_book.hpp"

#include <utility>

#include "broker/store/read_view.hpp"

namespace prismbus {

Result<void> RuleBook::load(const Store& store) {
  StateReader state(store.state);
  JournalReader journal(store.journal);
  state.renew();
  Recent nothing(state.folded());
  const ReadView view(nothing.snapshot(), state, journal);
  Policy policy;
  Revocations revoked;
  std::uint64_t generation = 0;
  for (const std::string_view name : {kPolicyNamespace, kRevokedNamespace}) {
    const auto read = view.scan(name, {}, [&](std::string_view ns, std::string_view key, auto* e) {
      if (ns != name) return false;
      if (e == nullptr) return true;
      name == kPolicyNamespace ? learn_policy(policy, key, e->value)
                               : learn_revocation(revoked, key, e->value);
      return true;
    });
    if (!read) return tl::unexpected(in_context(std::string(name), read.error()));
    const auto head = view.find_head(name);
    if (!head) return tl::unexpected(in_context(std::string(name), head.error()));
    if (*head) generation += (*head)->head.seq.value();
  }
  rules_ = std::make_shared<const AccessRules>(
      AccessRules{std::make_shared<const Policy>(std::move(policy)),
                  std::make_shared<const Revocations>(std::move(revoked)), generation});
  return {};
}

bool RuleBook::apply(const StoredTransaction& txn) {
  AccessRules next = *rules_;
  for (const auto& set : txn.sets) {
    if (set->ns == kPolicyNamespace) {
      Policy policy = *next.policy;
      for (const StoredChange& change : set->changes) {
        change.op == ChangeOp::put ? learn_policy(policy, change.key, change.value)
                                   : policy.erase(change.key);
      }
      next.policy = std::make_shared<const Policy>(std::move(policy));
    } else if (set->ns == kRevokedNamespace) {
      Revocations revoked = *next.revoked;
      for (const StoredChange& change : set->changes) {
        change.op == ChangeOp::put ? learn_revocation(revoked, change.key, change.value)
                                   : revoked.erase(change.key);
      }
      next.revoked = std::make_shared<const Revocations>(std::move(revoked));
    } else {
      continue;
    }
    ++next.generation;
  }
  if (next.generation == rules_->generation) return false;
  rules_ = std::make_shared<const AccessRules>(std::move(next));
  return true;
}

// What another version of the broker stored, and this one does not understand, is as if it were not there.
void RuleBook::learn_policy(Policy& policy, std::string_view pattern, std::string_view value) {
  const auto known = validate_policy_pattern(pattern);
  const auto rule = known ? decode_policy_rule(value) : Result<PolicyRule>(tl::unexpected(known.error()));
  if (rule) return policy.set(pattern, *rule);
  if (known) policy.erase(pattern);
  log_(LogLevel::warn, LogLine("policy_not_understood")
                           .with("pattern", pattern)
                           .with("path", rule.error().path.value_or(""))
                           .text());
}

void RuleBook::learn_revocation(Revocations& revoked, std::string_view key, std::string_view value) {
  if (const auto revocation = decode_revocation(key, value)) return revoked.set(key, *revocation);
  log_(LogLevel::warn, LogLine("revocation_not_understood").text());
}

AccessRules rules_with(const AccessRules& rules, const std::vector<RuleChange>& changes) {
  Policy policy = *rules.policy;
  Revocations revoked = *rules.revoked;
  for (const RuleChange& change : changes) {
    if (change.ns == kPolicyNamespace) {
      policy.erase(change.key);
      if (!change.value) continue;
      if (const auto rule = decode_policy_rule(*change.value)) policy.set(change.key, *rule);
    } else if (change.ns == kRevokedNamespace) {
      revoked.erase(change.key);
      if (!change.value) continue;
      if (const auto revocation = decode_revocation(change.key, *change.value))
        revoked.set(change.key, *revocation);
    }
  }
  return {std::make_shared<const Policy>(std::move(policy)),
          std::make_shared<const Revocations>(std::move(revoked)), rules.generation + 1};
}

}  // namespace prismbus
