// SubscriberCallbacks as what they are: a subscription to everything that is followed, on the background
// thread.
#pragma once

#include <optional>

#include "subscriber/subscriber.hpp"

namespace prismbus {

// nullopt: no callback is set.
[[nodiscard]] std::optional<Subscription> subscription_of(SubscriberCallbacks callbacks);

}  // namespace prismbus
