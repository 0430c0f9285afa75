// The background thread's side of one subscription: makes its events out of what each step showed, and reads
// the state out of the view where the state is owed (`initial`, after a drop, a namespace whose first picture
// is larger than the queue).
//
// The state is read a piece at a time, in the order of the trie, as the queue gets room:
// S1: pieces are read only when every event up to the newest picture was offered.
// S2: while a namespace is being read, a change of a key that was read already is offered, one of a key that
//     was not is left out: the reading will find what it left behind.
// S3: what is refused as too old is not read; its reading waits, for as long.
// So every key is told once in its state and every later change of it, without a copy of the namespace and
// without keeping an old picture alive.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "subscriber/delivery/subscription_delivery.hpp"
#include "subscriber/sync/sync_update.hpp"

namespace prismbus {

class SubscriptionSource {
 public:
  explicit SubscriptionSource(std::shared_ptr<SubscriptionDelivery> delivery)
      : delivery_(std::move(delivery)) {}
  [[nodiscard]] SubscriptionDelivery& delivery() const { return *delivery_; }

  // The first step it takes part in: `before` is what the events to come start from.
  void begin(const ViewRoot& before);
  // Before the events of a step: jumps, and blocks that lasted too long.
  void begin_step(const ViewRoot& before);
  // Events of one namespace that it covers, in a row. `now`: the picture with all of this step. `first`: of a
  // namespace that was not shown before this step, the first ones.
  void offer(std::span<const SyncEvent> events, bool first, const ViewRoot& now);
  // After the events of a step: looks at so many keys at most, and takes them off. True: there is more to
  // read at once.
  [[nodiscard]] bool read_state(const ViewRoot& now, std::size_t& visits);

 private:
  struct Reading {
    std::optional<std::uint64_t> after;  // hash of the last key read
    std::size_t told = 0;
    bool resync = false;
  };
  void owe_state(const ViewRoot& root, bool resync);
  [[nodiscard]] bool fits(std::span<const SyncEvent> events) const;
  void offer_key(const SyncEvent& event, const ViewRoot& now);
  void offer_event(const SubscriptionEvent& event, const ViewRoot& now);
  // False: no room, or visits are used up.
  [[nodiscard]] bool read(const NamespaceLeaf& ns, Reading& reading, std::size_t& visits, bool& more);
  [[nodiscard]] std::optional<SubscriptionEvent::Kind> kind_of(const std::optional<ValueView>& before,
                                                               const std::optional<ValueView>& after);

  std::shared_ptr<SubscriptionDelivery> delivery_;
  std::map<std::string, Reading, std::less<>> readings_;  // namespaces whose state is not told to its end
  bool skip_rest_ = false;                                // the state of the whole step will be read
};

}  // namespace prismbus
