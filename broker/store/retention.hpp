// Retention: decides how much of the past is kept, and moves the state's floor when more than that is there.
// What is kept: the last `revisions` of them and everything younger than `age`, whichever is more, and never
// less than `age_min`. The floor is what travels on: the journal trims up to it once it is synced. Fold
// thread.
//
// It moves in strides of a sixteenth of `revisions`, so that its transactions are few; so up to a sixteenth
// more than asked for is there.
#pragma once

#include <chrono>
#include <cstdint>

#include "broker/store/state.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

struct RetentionSettings {
  std::uint64_t revisions = 1'000'000;  // the newest one is kept always
  std::chrono::seconds age = std::chrono::hours(90 * 24);
  // Also the time for which a repeated request id surely gets its first outcome, which is read from the
  // journal (I7).
  std::chrono::seconds age_min = std::chrono::hours(1);
};

class Retention {
 public:
  Retention(RetentionSettings settings, State& state);

  // One bounded transaction that moves the state's floor, when it is time to: looks once a second, and at
  // once after a fold. Answers whether it moved; blocks for the disk. After a failure that heals, call again
  // later.
  [[nodiscard]] Result<bool, FoldFailure> step(Now now);
  void folded() { look_at_ = {}; }
  // From now on. The floor never moves back: what is gone stays gone.
  void set(const RetentionSettings& settings) {
    settings_ = settings;
    wanted_ = {};
    look_at_ = {};
  }

  // Where the floor ought to stand at that time of day; not below where it stands.
  [[nodiscard]] Revision wanted(Wall now);

 private:
  RetentionSettings settings_;
  State& state_;
  StateReader reader_;
  Revision wanted_;
  Steady look_at_{};
};

}  // namespace prismbus
