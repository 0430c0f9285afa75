// The only way between threads: a bounded queue of values, drained whole. Any number of producers, one
// consumer. Full is an answer (I8): try_push refuses and the caller says so to whoever asked.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "proto/base/waker.hpp"

namespace prismbus {

template <class T>
class BoundedQueue {
 public:
  // `waker` (may be null: the consumer is stepped by hand) belongs to the consumer and outlives the queue.
  BoundedQueue(std::size_t capacity, Waker* waker) : capacity_(capacity), waker_(waker) {}

  // False, and `value` untouched, when the queue holds `capacity` values. Wakes the consumer.
  [[nodiscard]] bool try_push(T&& value) {
    {
      const std::lock_guard lock(mutex_);
      if (items_.size() >= capacity_) return false;
      items_.push_back(std::move(value));
    }
    if (waker_ != nullptr) waker_->wake();
    return true;
  }

  // Moves everything queued to the end of `out`, in order; returns how many.
  std::size_t drain(std::vector<T>& out) {
    const std::lock_guard lock(mutex_);
    const std::size_t n = items_.size();
    if (out.empty()) {
      out.swap(items_);
    } else {
      for (T& item : items_) out.push_back(std::move(item));
      items_.clear();
    }
    return n;
  }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  const std::size_t capacity_;
  Waker* const waker_;
  mutable std::mutex mutex_;
  std::vector<T> items_;
};

}  // namespace prismbus
