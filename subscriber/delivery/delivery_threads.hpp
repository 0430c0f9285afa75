// The threads callbacks run on when the application names no executor. One is started when there is a task
// and none is idle, up to kThreadsMax; so a callback that blocks takes one thread away and delays nobody
// else until kThreadsMax of them block. Threads stay until stop().
// Bound: a subscription has at most one task here, so kSubscriptionsMax of them bound the queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace prismbus {

class DeliveryThreads {
 public:
  static constexpr std::size_t kThreadsMax = 64;

  DeliveryThreads() = default;
  ~DeliveryThreads() { stop(); }
  DeliveryThreads(const DeliveryThreads&) = delete;
  DeliveryThreads& operator=(const DeliveryThreads&) = delete;

  // Any thread; does not wait for the task. After stop() the task is destroyed. Throws std::system_error when
  // no thread at all can be started.
  void post(std::function<void()> task);
  // Destroys what waits, waits for what runs. Not in a task.
  void stop();
  [[nodiscard]] std::size_t threads() const;

 private:
  void run();

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace prismbus
