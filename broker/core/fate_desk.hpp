// Answers that rest on a pending write, given when its fate is known (I2): the write's own, those of repeats
// of its request id, and those of requests that were judged by what it would change. Bus thread; bounded
// (I8).
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "broker/core/asked.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/pending.hpp"
#include "broker/core/replier.hpp"
#include "broker/core/sessions.hpp"
#include "broker/store/recent.hpp"

namespace prismbus {

class FateDesk {
 public:
  // All outlive this.
  FateDesk(std::size_t waiters_max, Pending& pending, const Recent& recent, InFlight& in_flight,
           Replier& replier)
      : waiters_max_(waiters_max),
        pending_(pending),
        recent_(recent),
        in_flight_(in_flight),
        replier_(replier) {}

  // `rests_on` 0: nothing pending, it is given now. Answers `overloaded` when too many wait.
  void settle(const Asked& asked, FateAnswer answer, Revision rests_on);
  // Of a request whose id may be known (I7): true = it gets, now or later, what the first one got.
  [[nodiscard]] bool answer_repeat(const Asked& asked, const Sessions::Standing& standing);
  // It became durable and was applied.
  void answer(const SequencedWrite& write);
  // None of them ever will be: the askers are told, repeats of a request id with their original, and whose
  // answer rested on one is judged again.
  void refuse(const std::vector<SequencedWrite>& dropped, const Error& error,
              const std::function<void(const FateWaiter& waiter)>& judge_again);

 private:
  const std::size_t waiters_max_;
  Pending& pending_;
  const Recent& recent_;
  InFlight& in_flight_;
  Replier& replier_;
};

}  // namespace prismbus
