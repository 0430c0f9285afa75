// What the bus thread tells of itself without being asked, for who has to know when it answers no more. Each
// figure is written by the bus thread alone; any thread reads; nobody waits for anybody.
#pragma once

#include <atomic>
#include <chrono>

#include "proto/base/clock.hpp"

namespace prismbus {

class BusPulse {
 public:
  // ---- the bus thread, each step
  void beat(Steady now, bool takes_writes, bool draining) {
    stepped_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    takes_writes_.store(takes_writes, std::memory_order_relaxed);
    draining_.store(draining, std::memory_order_relaxed);
  }

  // ---- any thread
  // The last step; the epoch of the clock before the first. An idle bus steps ten times a second.
  [[nodiscard]] Steady stepped() const {
    return Steady(Steady::duration(stepped_.load(std::memory_order_relaxed)));
  }
  [[nodiscard]] bool takes_writes() const { return takes_writes_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool draining() const { return draining_.load(std::memory_order_relaxed); }

 private:
  std::atomic<Steady::rep> stepped_ = 0;
  std::atomic<bool> takes_writes_ = false, draining_ = false;
};

}  // namespace prismbus
