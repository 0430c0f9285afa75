// What the batches of the journal were, and how long each took to be safe. Of whoever makes them durable, on
// the bus thread.
#pragma once

#include <array>
#include <chrono>

#include "broker/store/agents.hpp"
#include "proto/base/histogram.hpp"

namespace prismbus {

class JournalMeter {
 public:
  // A batch that is durable; an empty one was a question and does not count.
  void count(const JournalOutcome& batch) {
    if (batch.changes == 0) return;
    sync_.record(static_cast<std::uint64_t>(batch.took.count()) / 1000);
    changes_.record(batch.changes);
    bytes_.record(batch.bytes);
  }
  [[nodiscard]] const Histogram& sync() const { return sync_; }  // microseconds
  [[nodiscard]] const Histogram& changes() const { return changes_; }
  [[nodiscard]] const Histogram& bytes() const { return bytes_; }

 private:
  static constexpr std::array<std::uint64_t, 15> kSync{100,     250,     500,       1'000,     2'500,
                                                       5'000,   10'000,  25'000,    50'000,    100'000,
                                                       250'000, 500'000, 1'000'000, 2'500'000, 10'000'000};
  static constexpr std::array<std::uint64_t, 9> kChanges{1, 3, 10, 30, 100, 300, 1'000, 3'000, 10'000};
  static constexpr std::array<std::uint64_t, 9> kBytes{256,        1u << 10, 4u << 10, 16u << 10, 64u << 10,
                                                       256u << 10, 1u << 20, 4u << 20, 16u << 20};
  Histogram sync_{kSync}, changes_{kChanges}, bytes_{kBytes};
};

}  // namespace prismbus
