// Which of what a Subscriber shows one subscription is told: namespaces, keys, values. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "proto/wire/error.hpp"
#include "subscriber/delivery/subscription.hpp"
#include "subscriber/sync/key_selection.hpp"

namespace prismbus {

class SubscriptionFilter {
 public:
  // invalid_argument: `ns` and `subtree` both, a malformed name or glob, no callback, a limit out of range,
  // an executor and on_background_thread both, or a namespace that is not followed at all.
  [[nodiscard]] static Result<void> validate(const Subscription& subscription, const FollowSet& follow);

  // `subscription` (valid) outlives this.
  explicit SubscriptionFilter(const Subscription& subscription);

  [[nodiscard]] bool covers_namespace(std::string_view ns) const { return selection_.covers_namespace(ns); }
  [[nodiscard]] bool covers_key(std::string_view key) const { return selection_.covers_key(key); }
  // What a change of a covered key is to this subscription, nullopt: nothing. Runs `where`; may throw what it
  // throws.
  [[nodiscard]] std::optional<SubscriptionEvent::Kind> kind_of(const std::optional<ValueView>& before,
                                                               const std::optional<ValueView>& after) const;
  [[nodiscard]] bool wants(SubscriptionEvent::Kind kind) const;
  // Whether an event of this kind takes room in the queue: a wanted one, or one whose net with what waits for
  // the same key may be wanted.
  [[nodiscard]] bool keeps(SubscriptionEvent::Kind kind) const;

 private:
  const Subscription* subscription_;
  KeySelection selection_;
};

}  // namespace prismbus
