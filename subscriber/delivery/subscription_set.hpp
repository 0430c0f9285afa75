// All subscriptions of one Subscriber: the one way in which anything is told (SubscriberCallbacks too). The
// lock guards the list only; nothing of the application runs under it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "proto/base/log.hpp"
#include "subscriber/delivery/subscription_source.hpp"

namespace prismbus {

inline constexpr std::size_t kSubscriptionsMax =
    10'000;  // of one Subscriber; bounds the tasks of its threads

class SubscriptionSet {
 public:
  // Keys of states read in a step, by all together: so that reading large states delays no frame long.
  static constexpr std::size_t kVisitsMax = 4096;

  explicit SubscriptionSet(SubscriptionDelivery::Surroundings surroundings, LogSink log)
      : surroundings_(std::move(surroundings)), log_(std::move(log)) {}

  // ---- any thread; the contracts are Subscriber's ----
  [[nodiscard]] Result<SubscriptionId> subscribe(Subscription subscription, const FollowSet& follow);
  [[nodiscard]] Result<void> unsubscribe(SubscriptionId id);
  [[nodiscard]] Result<void> pause(SubscriptionId id);
  [[nodiscard]] Result<void> resume(SubscriptionId id, Resume how);
  [[nodiscard]] std::vector<SubscriptionStatus> list() const;
  [[nodiscard]] std::uint64_t exceptions() const;
  // Nothing is told any more when it returns. Not in a callback.
  void stop();

  // ---- the background thread, each step ----
  // After everything that came was read and before `now` is published: who subscribed up to here sees all
  // that `before` does not show.
  void adopt(const ViewRoot& before);
  // After `now` is published; `events` lead from `before` to it. True: it wants another step at once.
  [[nodiscard]] bool tell(const std::vector<SyncEvent>& events, const ViewRoot& before, const ViewRoot& now);

 private:
  using Delivery = std::shared_ptr<SubscriptionDelivery>;
  [[nodiscard]] Result<Delivery> find(SubscriptionId id) const;
  [[nodiscard]] bool in_a_callback() const;
  void offer(const std::vector<SyncEvent>& events, const ViewRoot& before, const ViewRoot& now);
  void log_exception(SubscriptionDelivery& delivery);

  const SubscriptionDelivery::Surroundings surroundings_;
  const LogSink log_;

  mutable std::mutex mutex_;
  std::map<SubscriptionId, Delivery> deliveries_;
  std::vector<std::weak_ptr<SubscriptionDelivery>> gone_;  // unsubscribed; their callback may be under way
  std::uint64_t last_id_ = 0;
  std::uint64_t exceptions_of_gone_ = 0;
  bool stopped_ = false;
  std::atomic<std::uint64_t> version_{0};  // of deliveries_
  std::atomic<std::thread::id> background_{};

  // The background thread's.
  std::uint64_t adopted_ = 0;
  std::map<SubscriptionId, SubscriptionSource> sources_;
  SubscriptionId visited_last_;  // used the visits of a step up
};

}  // namespace prismbus
