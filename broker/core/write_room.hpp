// Whether there is room for one more write: what is sequenced and what is applied but not folded are bounded
// (I8), and so is the disk. Full is an answer: `overloaded` with a time to come back after, or `read_only`.
// Bus thread.
#pragma once

#include "broker/core/pending.hpp"
#include "broker/core/sequencer.hpp"
#include "broker/core/settings.hpp"
#include "broker/core/write_intent.hpp"
#include "broker/store/recent.hpp"
#include "broker/store/space.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

class WriteRoom {
 public:
  // All outlive this; `readings` null: nobody looks at the disk, it is never full.
  WriteRoom(LiveSettings bounds, const Sequencer& sequencer, const Pending& pending, const Recent& recent,
            BoundedQueue<SpaceReading>* readings, const LogSink& log);

  void set_bounds(const LiveSettings& bounds);
  void look();  // takes the latest readings of the disk; logs when the store becomes full, and has room again
  // `in_flight`: requests of the asker's connection that wait inside. The last eighth of the room is for
  // those with few: a writer that fills it alone is told to come back before the others are. Errors:
  // overloaded, or what the sequencer says (read_only, unavailable).
  [[nodiscard]] Result<void> admit(const WriteIntent& intent, std::size_t in_flight) const;
  void spend(const WriteIntent& intent) { space_.spend(intent.bytes()); }  // it was sequenced
  [[nodiscard]] bool full() const { return space_.full(); }                // for anything but deletes
  [[nodiscard]] const SpaceGate& space() const { return space_; }

 private:
  [[nodiscard]] SpaceGate::Unfolded unfolded() const;
  LiveSettings bounds_;
  SpaceGate space_;
  bool was_full_ = false;
  BoundedQueue<SpaceReading>* const readings_;
  std::vector<SpaceReading> taken_;  // reused
  const LogSink& log_;
  const Sequencer& sequencer_;
  const Pending& pending_;
  const Recent& recent_;
};

}  // namespace prismbus
