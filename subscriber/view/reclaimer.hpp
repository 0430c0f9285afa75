// Frees what one writer replaced once no reader can see it: Garbage, stamped with the epoch it was retired
// in, and the pins of the readers (epoch_pins). Readers pin on any thread; everything else is the writer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "subscriber/view/epoch_pins.hpp"
#include "subscriber/view/garbage.hpp"

namespace prismbus {

class Reclaimer {
 public:
  Reclaimer() = default;
  ~Reclaimer();  // releases everything: nobody may read any more
  Reclaimer(const Reclaimer&) = delete;
  Reclaimer& operator=(const Reclaimer&) = delete;

  [[nodiscard]] EpochPins& pins() { return pins_; }  // any thread
  // The writer, after it stored what replaces `garbage`: no reader that pins from now on can reach it. Frees
  // what nobody sees any more, of this and of earlier calls.
  void retire(Garbage&& garbage);
  // Blocks that wait for a reader to end.
  [[nodiscard]] std::size_t waiting() const { return waiting_; }

 private:
  struct Batch {
    std::uint64_t epoch;
    Garbage garbage;
  };
  EpochPins pins_;
  std::deque<Batch> batches_;
  std::size_t waiting_ = 0;
};

}  // namespace prismbus
