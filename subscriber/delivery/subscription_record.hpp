// A SubscriptionEvent that owns what it tells, to wait in a queue. One block of memory each; movable.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "subscriber/delivery/subscription.hpp"

namespace prismbus {

class SubscriptionRecord {
 public:
  explicit SubscriptionRecord(const SubscriptionEvent& lent);
  // Lends; valid while this lives, also after it was moved from and to.
  [[nodiscard]] const SubscriptionEvent& event() const { return event_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // what it costs a queue
  [[nodiscard]] static std::size_t bytes_of(const SubscriptionEvent& event);

 private:
  SubscriptionEvent event_;
  std::unique_ptr<char[]> block_;
  std::size_t bytes_;
};

// The net of two changes of one key, two moves or two states of one namespace, `older` first; lends from
// both. nullopt: they annul each other (added, then deleted).
[[nodiscard]] std::optional<SubscriptionEvent> net_of(const SubscriptionEvent& older,
                                                      const SubscriptionEvent& newer);

}  // namespace prismbus
