#include "subscriber/delivery/subscription_delivery.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kTaskTime = 10ms;  // then the executor may do something else first

}  // namespace

// What the executor holds: runs once; destroyed without having run it says so.
class SubscriptionDelivery::Task {
 public:
  // `poster`: the thread whose task posts this one, until stands_alone(); none: the background thread posts.
  Task(std::shared_ptr<SubscriptionDelivery> delivery, std::thread::id poster)
      : delivery_(std::move(delivery)), poster_(poster) {}
  ~Task() {
    if (!ran_) delivery_->lose_task();
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  void run() {
    if (ran_.exchange(true)) return;
    if (poster_.load() == std::this_thread::get_id()) {
      nested_ = true;
    } else {
      delivery_->run();
    }
  }
  // The executor came back to the poster. False: it ran this within the poster, and nothing was told.
  [[nodiscard]] bool stands_alone() {
    poster_.store({});
    return !nested_;
  }
  // False: it runs, or ran.
  [[nodiscard]] bool forget() { return !ran_.exchange(true); }

 private:
  std::shared_ptr<SubscriptionDelivery> delivery_;
  std::atomic<bool> ran_{false};
  std::atomic<std::thread::id> poster_;
  bool nested_ = false;  // the poster's
};

SubscriptionDelivery::SubscriptionDelivery(SubscriptionId id, Subscription subscription,
                                           Surroundings surroundings)
    : id_(id),
      subscription_(std::move(subscription)),
      filter_(subscription_),
      surroundings_(std::move(surroundings)),
      queue_({subscription_.policy, subscription_.queue_length_max, subscription_.queue_bytes_max,
              subscription_.block_at_most}) {}

// ---- the background thread ----

bool SubscriptionDelivery::begin_source() {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  source_ = std::this_thread::get_id();
  return true;
}

void SubscriptionDelivery::end_source() {
  const std::lock_guard lock(mutex_);
  source_ = {};
  if (closed_) idle_.notify_all();
}

bool SubscriptionDelivery::offer(const SubscriptionEvent& event) {
  std::unique_lock lock(mutex_);
  if (closed_) return true;
  if (!filter_.keeps(event.kind)) return true;
  if (subscription_.on_background_thread && !paused_ && queue_.size() == 0) {
    tell(lock, event);
    return true;
  }
  return queue_.push(event, surroundings_.clock());
}

void SubscriptionDelivery::offer_state(const SubscriptionEvent& event) {
  std::unique_lock lock(mutex_);
  if (closed_) return;
  if (!filter_.keeps(event.kind)) return;
  if (subscription_.on_background_thread && !paused_ && queue_.size() == 0) return tell(lock, event);
  queue_.push_state(event);
}

bool SubscriptionDelivery::fits(std::size_t events, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (subscription_.on_background_thread && !paused_ && queue_.size() == 0) return true;
  return queue_.size() + events <= subscription_.queue_length_max &&
         queue_.bytes() + bytes <= subscription_.queue_bytes_max;
}

bool SubscriptionDelivery::has_room() const {
  return queue_.size() * 2 <= subscription_.queue_length_max &&
         queue_.bytes() * 2 <= subscription_.queue_bytes_max;
}

bool SubscriptionDelivery::room_for_state(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (closed_ || paused_) return false;
  const bool room = bytes > 0 ? queue_.room_for(bytes) : queue_.size() == 0 || has_room();
  hungry_ = !room;
  return room;
}

bool SubscriptionDelivery::take_restart() {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  if (std::exchange(jump_, false)) {
    paused_ = false;
    queue_.restart("resumed at the latest");
    return true;
  }
  if (paused_ || !queue_.blocked_too_long(surroundings_.clock())) return false;
  queue_.restart("it was blocked for too long");
  return true;
}

std::optional<SubscriptionRecord> SubscriptionDelivery::pop() {
  auto record = queue_.pop();
  if (hungry_ && has_room()) {
    hungry_ = false;
    wake();
  }
  return record;
}

void SubscriptionDelivery::flush() {
  std::unique_lock lock(mutex_);
  if (!ready() || posted_) return;
  if (!subscription_.on_background_thread) return post(lock, {});
  const Steady end = surroundings_.clock() + kTaskTime;
  while (ready()) {
    const auto record = pop();
    tell(lock, record->event());
    if (surroundings_.clock() < end) continue;
    if (ready()) wake();
    return;
  }
}

void SubscriptionDelivery::count_exception(std::string_view what) {
  const std::lock_guard lock(mutex_);
  ++counters_.exceptions;
  exception_ = std::string(what);
}

std::optional<std::string> SubscriptionDelivery::take_exception() {
  const std::lock_guard lock(mutex_);
  if (counters_.exceptions < log_at_) return std::nullopt;
  log_at_ = counters_.exceptions * 2;
  return exception_;
}

// ---- where callbacks run ----

// Gives `lock` up while the executor has the say, which may be to run the task at once. Out of a task that
// would nest without end: then this one ends too, and the background thread posts the next in its next step.
void SubscriptionDelivery::post(std::unique_lock<std::mutex>& lock, std::thread::id poster) {
  posted_ = true;
  lock.unlock();
  bool taken = true;
  auto task = std::make_shared<Task>(shared_from_this(), poster);
  try {
    const Executor& own = subscription_.executor;
    (own ? own : surroundings_.executor)([task] { task->run(); });
  } catch (...) {  // the executor's own type: nothing of it may cross the thread
    taken = !task->forget();
  }
  const bool nested = !task->stands_alone();
  task.reset();
  lock.lock();
  if (!taken) ++counters_.executor_failures;
  if (!taken || nested) posted_ = false;
  if (nested) wake();
}

void SubscriptionDelivery::lose_task() {
  const std::lock_guard lock(mutex_);
  posted_ = false;
  ++counters_.executor_failures;
}

void SubscriptionDelivery::run() {
  std::unique_lock lock(mutex_);
  const Steady end = surroundings_.clock() + kTaskTime;
  while (ready()) {
    const auto record = pop();
    tell(lock, record->event());
    if (surroundings_.clock() >= end && ready()) return post(lock, std::this_thread::get_id());
  }
  posted_ = false;
}

void SubscriptionDelivery::tell(std::unique_lock<std::mutex>& lock, const SubscriptionEvent& event) {
  if (!filter_.wants(event.kind)) return;  // it was kept for its net with another
  telling_ = std::this_thread::get_id();
  lock.unlock();
  std::optional<std::string> thrown;
  const Steady begin = surroundings_.clock();
  try {
    subscription_.callback(event);
  } catch (const std::exception& e) {
    thrown = e.what();
  } catch (...) {  // the application's own type: nothing of it may cross the thread
    thrown = "not a std::exception";
  }
  const auto took = surroundings_.clock() - begin;
  lock.lock();
  telling_ = {};
  ++counters_.delivered;
  counters_.callback_time += took;
  counters_.callback_time_max = std::max<std::chrono::nanoseconds>(counters_.callback_time_max, took);
  if (thrown) {
    ++counters_.exceptions;
    exception_ = std::move(*thrown);
    if (counters_.exceptions >= log_at_) wake();
  }
  if (closed_) idle_.notify_all();
}

// ---- any thread ----

void SubscriptionDelivery::pause() {
  const std::lock_guard lock(mutex_);
  paused_ = true;
  jump_ = false;
}

void SubscriptionDelivery::resume(Resume how) {
  const std::lock_guard lock(mutex_);
  if (how == Resume::jump_to_latest) {
    paused_ = jump_ = true;  // the background thread knows the state; until then nothing old is told
  } else if (paused_ && !jump_) {
    paused_ = false;
    queue_.forgive(surroundings_.clock());
  }
  wake();
}

void SubscriptionDelivery::close(bool wait) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  queue_.clear();
  const auto me = std::this_thread::get_id();
  const auto elsewhere = [&](std::thread::id id) { return id != std::thread::id() && id != me; };
  if (wait) idle_.wait(lock, [&] { return !elsewhere(telling_) && !elsewhere(source_); });
}

bool SubscriptionDelivery::runs_here() {
  const std::lock_guard lock(mutex_);
  const auto me = std::this_thread::get_id();
  return telling_ == me || source_ == me;
}

SubscriptionStatus SubscriptionDelivery::status() const {
  const std::lock_guard lock(mutex_);
  SubscriptionStatus out = counters_;
  out.id = id_;
  out.name = subscription_.name;
  out.keys = subscription_.keys;
  out.ns = subscription_.ns;
  out.subtree = subscription_.subtree;
  out.policy = subscription_.policy;
  out.paused = paused_;
  out.blocked = queue_.blocked();
  out.conflated = queue_.counters().conflated;
  out.dropped = queue_.counters().dropped;
  out.resyncs = queue_.counters().resyncs;
  out.queue_length = queue_.size();
  out.queue_bytes = queue_.bytes();
  return out;
}

}  // namespace prismbus
