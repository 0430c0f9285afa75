// Whether there is room for one more write: what is sequenced and what is applied but not folded are bounded
// (I8). Full is an answer, `overloaded` with a time to come back after. Bus thread.
#pragma once

#include "broker/core/pending.hpp"
#include "broker/core/sequencer.hpp"
#include "broker/core/settings.hpp"
#include "broker/core/write_intent.hpp"
#include "broker/store/recent.hpp"

namespace prismbus {

class WriteRoom {
 public:
  // All outlive this.
  WriteRoom(LiveSettings bounds, const Sequencer& sequencer, const Pending& pending, const Recent& recent);

  void set_bounds(const LiveSettings& bounds) { bounds_ = bounds; }
  // Errors: overloaded, or what the sequencer says (read_only, unavailable).
  [[nodiscard]] Result<void> admit(const WriteIntent& intent) const;

 private:
  LiveSettings bounds_;
  const Sequencer& sequencer_;
  const Pending& pending_;
  const Recent& recent_;
};

}  // namespace prismbus
