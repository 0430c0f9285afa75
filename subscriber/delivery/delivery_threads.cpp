#include "subscriber/delivery/delivery_threads.hpp"

#include <utility>

namespace prismbus {

void DeliveryThreads::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  if (idle_ <= tasks_.size() && threads_.size() < kThreadsMax) {
    try {
      threads_.emplace_back([this] { run(); });
    } catch (...) {  // the process has no more threads: those there are share the work
      if (threads_.empty()) throw;
    }
  }
  tasks_.push_back(std::move(task));
  ready_.notify_one();
}

void DeliveryThreads::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    ready_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    --idle_;
    if (stopping_) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

void DeliveryThreads::stop() {
  std::deque<std::function<void()>> dropped;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
    threads.swap(threads_);
  }
  ready_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

std::size_t DeliveryThreads::threads() const {
  const std::lock_guard lock(mutex_);
  return threads_.size();
}

}  // namespace prismbus
