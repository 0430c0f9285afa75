#include "broker/core/lane_plan.hpp"

#include <algorithm>

#include "broker/store/read_view.hpp"

namespace prismbus {

void LanePlan::load(const Store& store) {
  StateReader state(store.state);
  JournalReader journal(store.journal);
  state.renew();
  Recent nothing(state.folded());
  const ReadView view(nothing.snapshot(), state, journal);
  const auto read = view.scan(kPolicyNamespace, {}, [&](std::string_view ns, std::string_view key, auto* e) {
    if (ns != kPolicyNamespace) return false;
    if (e != nullptr) learn(key, e->value);
    return true;
  });
  if (!read) log_(LogLevel::error, LogLine("policy_unread").with("what", read.error().message).text());
}

void LanePlan::apply(const StoredTransaction& txn) {
  for (const auto& set : txn.sets) {
    if (set->ns != kPolicyNamespace) continue;
    for (const StoredChange& change : set->changes) {
      change.op == ChangeOp::put ? learn(change.key, change.value) : policy_.erase(change.key);
    }
  }
}

// What another version of the broker stored, and this one does not understand, is as if it were not there.
void LanePlan::learn(std::string_view pattern, std::string_view value) {
  const auto known = validate_policy_pattern(pattern);
  const auto rule = known ? decode_policy_rule(value) : Result<PolicyRule>(tl::unexpected(known.error()));
  if (rule) return policy_.set(pattern, *rule);
  if (known) policy_.erase(pattern);
  log_(LogLevel::warn, LogLine("policy_not_understood")
                           .with("pattern", pattern)
                           .with("path", rule.error().path.value_or(""))
                           .text());
}

LanePlan::Choice LanePlan::choose(std::string_view ns, Lane before, Steady now) {
  const Lane lane = served(policy_.lane_of(ns));
  if (lane == before && until_.empty() && now >= all_until_) return {lane, false};
  if (now >= forget_at_) forget_ended(now);
  const auto at = until_.find(ns);
  if (lane == before) return {lane, now < all_until_ || (at != until_.end() && now < at->second)};
  if (at != until_.end()) {
    at->second = now + kBothLanes;
  } else if (until_.size() < kChangingMax) {
    until_.emplace(ns, now + kBothLanes);
  } else {
    all_until_ = now + kBothLanes;
  }
  return {lane, true};
}

void LanePlan::forget_ended(Steady now) {
  std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
  forget_at_ = now + kBothLanes / 4;
}

}  // namespace prismbus
