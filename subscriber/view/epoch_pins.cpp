#include "subscriber/view/epoch_pins.hpp"

#include <algorithm>
#include <functional>
#include <thread>

namespace prismbus {

std::size_t EpochPins::pin() {
  // Threads start at different slots, so that each usually finds its own, warm in its own cache.
  const std::size_t id = std::hash<std::thread::id>{}(std::this_thread::get_id());
  const std::size_t start = (id * 0x9e3779b97f4a7c15ull) >> 32;
  const std::uint64_t now = epoch_.load(std::memory_order_seq_cst);
  for (std::size_t i = 0; i < kSlots; ++i) {
    const std::size_t slot = (start + i) % kSlots;
    std::uint64_t free = 0;
    if (slots_[slot].epoch.load(std::memory_order_relaxed) == 0 &&
        slots_[slot].epoch.compare_exchange_strong(free, now, std::memory_order_seq_cst)) {
      return slot;
    }
  }
  overflow_.fetch_add(1, std::memory_order_seq_cst);
  return kSlots;
}

void EpochPins::unpin(std::size_t slot) {
  if (slot == kSlots) {
    overflow_.fetch_sub(1, std::memory_order_release);
  } else {
    slots_[slot].epoch.store(0, std::memory_order_release);
  }
}

std::uint64_t EpochPins::oldest() const {
  std::uint64_t oldest = kNone;
  if (overflow_.load(std::memory_order_seq_cst) != 0) return 0;
  for (const Slot& slot : slots_) {
    const std::uint64_t pinned = slot.epoch.load(std::memory_order_seq_cst);
    if (pinned != 0) oldest = std::min(oldest, pinned);
  }
  return oldest;
}

}  // namespace prismbus
