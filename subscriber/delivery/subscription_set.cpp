#include "subscriber/delivery/subscription_set.hpp"

#include <algorithm>
#include <span>
#include <unordered_set>
#include <utility>

namespace prismbus {

// ---- any thread ----

Result<SubscriptionId> SubscriptionSet::subscribe(Subscription subscription, const FollowSet& follow) {
  if (auto valid = SubscriptionFilter::validate(subscription, follow); !valid) {
    return tl::unexpected<Error>(valid.error());
  }
  SubscriptionId id;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return fail(ErrorCode::unavailable, "the subscriber was stopped");
    if (deliveries_.size() >= kSubscriptionsMax) {
      return tl::unexpected<Error>(over_limit("subscriptions", "too many subscriptions of one subscriber",
                                              kSubscriptionsMax, deliveries_.size() + 1));
    }
    id = SubscriptionId(++last_id_);
    deliveries_.emplace(id,
                        std::make_shared<SubscriptionDelivery>(id, std::move(subscription), surroundings_));
    ++version_;
  }
  if (surroundings_.waker) surroundings_.waker->wake();
  return id;
}

Result<SubscriptionSet::Delivery> SubscriptionSet::find(SubscriptionId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = deliveries_.find(id);
  if (found == deliveries_.end()) return fail(ErrorCode::not_found, "no such subscription");
  return found->second;
}

// The background thread calls the application in no other way than callbacks, hooks and sinks.
bool SubscriptionSet::in_a_callback() const {
  if (background_.load() == std::this_thread::get_id()) return true;
  std::vector<Delivery> held;  // may be the last references: let go after the lock
  const std::lock_guard lock(mutex_);
  for (const auto& gone : gone_) {
    if (auto delivery = gone.lock()) held.push_back(std::move(delivery));
  }
  return std::any_of(held.begin(), held.end(), [](const Delivery& gone) { return gone->runs_here(); }) ||
         std::any_of(deliveries_.begin(), deliveries_.end(),
                     [](const auto& item) { return item.second->runs_here(); });
}

Result<void> SubscriptionSet::unsubscribe(SubscriptionId id) {
  const bool wait = !in_a_callback();
  Delivery delivery;
  {
    const std::lock_guard lock(mutex_);
    const auto found = deliveries_.find(id);
    if (found == deliveries_.end()) return fail(ErrorCode::not_found, "no such subscription");
    delivery = std::move(found->second);
    deliveries_.erase(found);
    std::erase_if(gone_, [](const auto& gone) { return gone.expired(); });
    gone_.push_back(delivery);
    ++version_;
  }
  delivery->close(wait);
  const std::lock_guard lock(mutex_);
  exceptions_of_gone_ += delivery->status().exceptions;
  return {};
}

Result<void> SubscriptionSet::pause(SubscriptionId id) {
  const auto delivery = find(id);
  if (!delivery) return tl::unexpected<Error>(delivery.error());
  (*delivery)->pause();
  return {};
}

Result<void> SubscriptionSet::resume(SubscriptionId id, Resume how) {
  const auto delivery = find(id);
  if (!delivery) return tl::unexpected<Error>(delivery.error());
  (*delivery)->resume(how);
  return {};
}

std::vector<SubscriptionStatus> SubscriptionSet::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<SubscriptionStatus> out;
  out.reserve(deliveries_.size());
  for (const auto& [id, delivery] : deliveries_) out.push_back(delivery->status());
  return out;
}

std::uint64_t SubscriptionSet::exceptions() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = exceptions_of_gone_;
  for (const auto& [id, delivery] : deliveries_) sum += delivery->status().exceptions;
  return sum;
}

void SubscriptionSet::stop() {
  std::vector<Delivery> all;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& [id, delivery] : deliveries_) all.push_back(delivery);
  }
  for (const Delivery& delivery : all) delivery->close(true);
  background_ = std::thread::id();
}

// ---- the background thread ----

void SubscriptionSet::adopt(const ViewRoot& before) {
  background_ = std::this_thread::get_id();
  const std::uint64_t version = version_.load(std::memory_order_acquire);
  if (version != adopted_) {
    std::vector<SubscriptionSource> gone;  // destroys callbacks, and what they own: after the lock
    const std::lock_guard lock(mutex_);
    adopted_ = version_.load(std::memory_order_relaxed);
    for (auto it = sources_.begin(); it != sources_.end();) {
      if (deliveries_.contains(it->first)) {
        ++it;
      } else {
        gone.push_back(std::move(it->second));
        it = sources_.erase(it);
      }
    }
    for (const auto& [id, delivery] : deliveries_) {
      const auto [at, fresh] = sources_.try_emplace(id, delivery);
      if (fresh) at->second.begin(before);
    }
  }
  for (auto& [id, source] : sources_) source.begin_step(before);
}

bool SubscriptionSet::tell(const std::vector<SyncEvent>& events, const ViewRoot& before,
                           const ViewRoot& now) {
  if (!events.empty()) offer(events, before, now);
  bool more = false;
  std::size_t visits = kVisitsMax;
  // In turn: who comes after the one that used the visits up has them first in the next step.
  auto it = sources_.upper_bound(visited_last_);
  for (std::size_t left = sources_.size(); left > 0; --left, ++it) {
    if (it == sources_.end()) it = sources_.begin();
    SubscriptionDelivery& delivery = it->second.delivery();
    if (delivery.begin_source()) {
      const bool some = visits > 0;
      more = it->second.read_state(now, visits) || more;
      if (some && visits == 0) visited_last_ = it->first;
      delivery.flush();
      delivery.end_source();
    }
    log_exception(delivery);
  }
  return more;
}

// Events of one namespace come in a row; each row goes to every subscription, so that in order over
// namespaces too.
void SubscriptionSet::offer(const std::vector<SyncEvent>& events, const ViewRoot& before,
                            const ViewRoot& now) {
  std::unordered_set<const std::string*> seen;
  for (std::size_t begin = 0; begin < events.size();) {
    const std::string* ns = events[begin].ns.get();
    std::size_t end = begin;
    while (end < events.size() && events[end].ns.get() == ns) ++end;
    const NamespaceLeaf* was = before.find(*ns);
    const bool first = seen.insert(ns).second && (was == nullptr || !was->shown);
    const std::span row(events.data() + begin, end - begin);
    for (auto& [id, source] : sources_) {
      SubscriptionDelivery& delivery = source.delivery();
      if (!delivery.filter().covers_namespace(*ns) || !delivery.begin_source()) continue;
      source.offer(row, first, now);
      delivery.end_source();
    }
    begin = end;
  }
}

void SubscriptionSet::log_exception(SubscriptionDelivery& delivery) {
  const auto what = delivery.take_exception();
  if (!what || !log_) return;
  const std::uint64_t count = delivery.status().exceptions;
  LogLine line("callback_threw");
  line.with("subscription", delivery.id().value()).with("name", delivery.subscription().name);
  log_(LogLevel::error, line.with("count", count).with("what", *what).text());
}

}  // namespace prismbus
