// What the admission thread tells the bus for `status`: who is there, whom it refused and cut. Counters only,
// each written by that thread alone; nobody waits for anybody.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "broker/core/ports.hpp"

namespace prismbus {

class AdmissionFigures {
 public:
  void tell(const DoorFigures& figures) {
    for (std::size_t i = 0; i < kTold.size(); ++i)
      told_[i].store(figures.*kTold[i], std::memory_order_relaxed);
  }
  // Those that are the admission's; the rest is 0.
  [[nodiscard]] DoorFigures told() const {
    DoorFigures figures;
    for (std::size_t i = 0; i < kTold.size(); ++i)
      figures.*kTold[i] = told_[i].load(std::memory_order_relaxed);
    return figures;
  }

 private:
  using F = DoorFigures;
  static constexpr std::array<std::uint64_t F::*, 8> kTold{
      &F::connections,         &F::refused_connections, &F::refused_address_connections,
      &F::refused_descriptors, &F::refused_keys,        &F::cut_endless,
      &F::cut_crowding,        &F::cut_oversubscribed};
  std::array<std::atomic<std::uint64_t>, kTold.size()> told_{};
};

}  // namespace prismbus
