#include "subscriber/delivery/subscription_filter.hpp"

#include "proto/base/clock.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kQueueLengthMax = 1'000'000;
constexpr std::size_t kQueueBytesMax = 4ull << 30;

}  // namespace

Result<void> SubscriptionFilter::validate(const Subscription& s, const FollowSet& follow) {
  if (!s.callback) return fail_field("callback", "a subscription has a callback");
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
  return KeySelection(s.ns, s.subtree, s.keys).validate(follow);
}

SubscriptionFilter::SubscriptionFilter(const Subscription& subscription)
    : subscription_(&subscription), selection_(subscription.ns, subscription.subtree, subscription.keys) {}

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

bool SubscriptionFilter::keeps(SubscriptionEvent::Kind kind) const {
  using Kind = SubscriptionEvent::Kind;
  const bool of_key = kind == Kind::added || kind == Kind::changed || kind == Kind::deleted;
  return wants(kind) || (of_key && subscription_->policy == QueuePolicy::latest_only);
}

}  // namespace prismbus
