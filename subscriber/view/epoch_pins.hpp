// Epoch-based reclamation: readers pin the present epoch in a slot of their own with one compare-and-swap;
// the writer frees a block when every pinned epoch is younger than the one it was retired in. No lock, no
// allocation. Why it is safe: a reader pins before it loads the root, the writer stores the root before it
// scans the pins, both sequentially consistent. So a reader the scan did not see loads the new root, and what
// it reaches was not retired.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace prismbus {

class EpochPins {
 public:
  static constexpr std::size_t kSlots = 128;  // pins at once with a slot each; more share the overflow slot
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  // Any thread. Gives the slot to unpin.
  [[nodiscard]] std::size_t pin();
  void unpin(std::size_t slot);

  // The writer: the epoch to stamp on what it just retired; a new one begins.
  std::uint64_t advance() { return epoch_.fetch_add(1, std::memory_order_seq_cst); }
  // The writer: the oldest pinned epoch, kNone when nothing is pinned. Blocks retired before it may be freed.
  [[nodiscard]] std::uint64_t oldest() const;

 private:
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> epoch{0};  // 0 = free
  };
  std::array<Slot, kSlots> slots_;
  alignas(64) std::atomic<std::uint64_t> epoch_{1};
  alignas(64) std::atomic<std::uint64_t> overflow_{0};  // while it is not 0 nothing is freed
};

}  // namespace prismbus
