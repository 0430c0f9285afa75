#include "subscriber/subscription_filter.hpp"

#include <algorithm>

#include "proto/base/clock.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kQueueLengthMax = 1'000'000;
constexpr std::size_t kQueueBytesMax = 4ull << 30;

bool follows_some_of(const FollowSet& follow, const Subscription& s) {
  if (s.ns) {
    const auto& exact = follow.namespaces();
    return follow.subtree_of(*s.ns) || std::find(exact.begin(), exact.end(), *s.ns) != exact.end();
  }
  if (!s.subtree || s.subtree->empty() || follow.subtree_of(*s.subtree)) return true;
  const auto below = [&](const std::string& ns) { return is_under(ns, *s.subtree); };
  return std::any_of(follow.namespaces().begin(), follow.namespaces().end(), below) ||
         std::any_of(follow.subtrees().begin(), follow.subtrees().end(),
                     [&](const std::string& under) { return !under.empty() && below(under); });
}

}  // namespace

Result<void> SubscriptionFilter::validate(const Subscription& s, const FollowSet& follow) {
  if (!s.callback) return fail_field("callback", "a subscription has a callback");
  if (s.ns && s.subtree) return fail_field("subtree", "name a namespace or a subtree, not both");
  if (s.ns) {
    if (auto valid = validate_namespace(*s.ns, "ns"); !valid) return valid;
  }
  if (s.subtree && !s.subtree->empty()) {
    if (auto valid = validate_namespace(*s.subtree, "subtree"); !valid) return valid;
  }
  if (auto valid = validate_glob(s.keys, "keys"); !valid) return valid;
  if (s.keys.empty()) return fail_field("keys", "an empty glob matches no key; \"**\" matches all");
  if (s.queue_length_max < 1 || s.queue_length_max > kQueueLengthMax) {
    return fail_field("queue_length_max", "1 to 1,000,000 events");
  }
  if (s.queue_bytes_max < 1 || s.queue_bytes_max > kQueueBytesMax) {
    return fail_field("queue_bytes_max", "1 byte to 4 GiB");
  }
  if (s.block_at_most.count() < 0 || s.block_at_most > kDurationMax) {
    return fail_field("block_at_most", "0 to ten years");
  }
  if (s.executor && s.on_background_thread) {
    return fail_field("executor", "an executor or on_background_thread, not both");
  }
  if (!follows_some_of(follow, s)) {
    return fail_field(s.ns ? "ns" : "subtree", "this subscriber follows nothing of it");
  }
  return {};
}

SubscriptionFilter::SubscriptionFilter(const Subscription& subscription)
    : subscription_(&subscription), all_keys_(subscription.keys == "**") {}

bool SubscriptionFilter::covers_namespace(std::string_view ns) const {
  if (subscription_->ns) return ns == *subscription_->ns;
  return !subscription_->subtree || is_under(ns, *subscription_->subtree);
}

bool SubscriptionFilter::covers_key(std::string_view key) const {
  return all_keys_ || glob_matches(subscription_->keys, key);
}

std::optional<SubscriptionEvent::Kind> SubscriptionFilter::kind_of(
    const std::optional<ValueView>& before, const std::optional<ValueView>& after) const {
  using Kind = SubscriptionEvent::Kind;
  const auto& where = subscription_->where;
  const bool was = before && (!where || where(*before));
  const bool is = after && (!where || where(*after));
  if (was) return is ? Kind::changed : Kind::deleted;
  return is ? std::optional(Kind::added) : std::nullopt;
}

bool SubscriptionFilter::wants(SubscriptionEvent::Kind kind) const {
  using Kind = SubscriptionEvent::Kind;
  const Operations& o = subscription_->operations;
  switch (kind) {
    case Kind::added:
      return o.added;
    case Kind::changed:
      return o.changed;
    case Kind::deleted:
      return o.deleted;
    case Kind::namespace_changed:
      return o.namespace_changed;
    case Kind::state_changed:
      return o.state_changed;
    case Kind::grew_stale:
      return o.grew_stale;
    case Kind::resync:
      return true;
  }
  return false;
}

}  // namespace prismbus
