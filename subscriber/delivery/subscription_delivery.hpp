// One subscription between the background thread, which offers events, and its callback, wherever that runs.
// The lock guards the queue and who runs; it is never held while a callback, `where` or an executor runs.
// D1: at most one callback of it runs at a time, in queue order, and at most one task is with the executor.
// D2: once close() returned, no callback and no `where` of it runs or begins (but see close()).
// Held by shared pointers: a task may reach an executor's thread long after the Subscriber is gone.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "proto/base/clock.hpp"
#include "proto/base/waker.hpp"
#include "subscriber/delivery/subscription_filter.hpp"
#include "subscriber/delivery/subscription_queue.hpp"

namespace prismbus {

class SubscriptionDelivery : public std::enable_shared_from_this<SubscriptionDelivery> {
 public:
  struct Surroundings {
    std::function<Steady()> clock;
    std::shared_ptr<Waker> waker;  // of the background thread; may be null: it is stepped by hand
    Executor executor;             // for subscriptions that name none
  };

  // `subscription` was found valid.
  SubscriptionDelivery(SubscriptionId id, Subscription subscription, Surroundings surroundings);

  [[nodiscard]] const Subscription& subscription() const { return subscription_; }
  [[nodiscard]] const SubscriptionFilter& filter() const { return filter_; }
  [[nodiscard]] SubscriptionId id() const { return id_; }

  // ---- the background thread ----
  // Between begin_source() and end_source() it may run `where` and, on_background_thread, the callback.
  // False: closed.
  [[nodiscard]] bool begin_source();
  void end_source();
  // False: it did not fit, a `resync` waits now and the state is owed.
  [[nodiscard]] bool offer(const SubscriptionEvent& event);
  void offer_state(const SubscriptionEvent& event);  // after room_for_state()
  // Whether events that one set brings at once fit, of so many bytes together.
  [[nodiscard]] bool fits(std::size_t events, std::size_t bytes);
  // Whether a part of the state of so many bytes may come now; 0: whether to go on reading it at all. When
  // not, and it is not paused, the thread is woken once there is room for half a queue.
  [[nodiscard]] bool room_for_state(std::size_t bytes);
  // Whether the state must be told anew, by a jump or because it was blocked for too long; a `resync` waits.
  [[nodiscard]] bool take_restart();
  // Gives what waits to the executor, or tells it here. After each step.
  void flush();
  void count_exception(std::string_view what);
  // An exception to log: the last one, when twice as many were thrown as when one was given before.
  [[nodiscard]] std::optional<std::string> take_exception();

  // ---- any thread ----
  void pause();
  void resume(Resume how);
  // Drops what waits. Waits for a callback or `where` under way, unless `wait` is false (inside a callback,
  // where waiting for another could be waiting for oneself): then one under way on another thread may still
  // end.
  void close(bool wait);
  [[nodiscard]] bool runs_here();  // its callback or `where`, on the calling thread
  [[nodiscard]] SubscriptionStatus status() const;

 private:
  class Task;
  void run();
  void lose_task();
  void post(std::unique_lock<std::mutex>& lock, std::thread::id poster);
  void tell(std::unique_lock<std::mutex>& lock, const SubscriptionEvent& event);
  [[nodiscard]] bool ready() const { return !closed_ && !paused_ && queue_.size() > 0; }
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] std::optional<SubscriptionRecord> pop();
  void wake() const {
    if (surroundings_.waker) surroundings_.waker->wake();
  }

  const SubscriptionId id_;
  const Subscription subscription_;
  const SubscriptionFilter filter_;
  const Surroundings surroundings_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  SubscriptionQueue queue_;
  bool closed_ = false, paused_ = false, jump_ = false;
  bool posted_ = false;  // a task is with the executor, or runs
  bool hungry_ = false;  // the background thread waits for room
  std::thread::id telling_{}, source_{};
  SubscriptionStatus counters_;
  std::string exception_;  // what the last one said
  std::uint64_t log_at_ = 1;
};

}  // namespace prismbus
