#include "subscriber/view/bound_cell.hpp"

namespace prismbus {

bool BoundCell::begin() {
  user_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  std::uint32_t idle = 0;
  return use_.compare_exchange_strong(idle, kRunning, std::memory_order_acq_rel);
}

void BoundCell::end() {
  const std::uint32_t use = use_.fetch_and(~kRunning, std::memory_order_acq_rel);
  if (use & kClosedInside) {
    forget_hook();
  } else if (use & kClosed) {
    use_.notify_all();
  }
}

void BoundCell::close() {
  std::uint32_t use = use_.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
  if ((use & kRunning) && user_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    use_.fetch_or(kClosedInside, std::memory_order_relaxed);
    return;
  }
  for (; use & kRunning; use = use_.load(std::memory_order_acquire)) {
    use_.wait(use, std::memory_order_acquire);
  }
  forget_hook();
}

}  // namespace prismbus
