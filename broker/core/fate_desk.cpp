#include "broker/core/fate_desk.hpp"

#include <utility>

namespace prismbus {

void FateDesk::settle(const Asked& asked, FateAnswer answer, Revision rests_on) {
  if (rests_on == Revision{}) return replier_.settle(asked.from, asked.id(), answer, recent_.applied());
  const auto refuse = [&](const Error& error) { replier_.refuse(asked.from, asked.id(), error); };
  if (pending_.waiters() >= waiters_max_) return refuse(overloaded("too many requests wait for a write", 20));
  const auto place = in_flight_.keep(asked);
  if (!place) return refuse(place.error());
  pending_.wait_for(rests_on,
                    {asked.from, asked.id(), std::string(asked.payload), std::move(answer), *place});
}

bool FateDesk::answer_repeat(const Asked& asked, const Sessions::Standing& standing) {
  if (standing.applied) {
    replier_.answer_duplicate(asked.from, asked.id(), *standing.applied);
  } else if (standing.pending) {
    settle(asked, SameOutcome{}, *standing.pending);
  }
  return standing.applied || standing.pending;
}

void FateDesk::answer(const SequencedWrite& write) {
  in_flight_.release(write.place);
  replier_.answer_write(write.to, write.id, *write.txn, false);
  for (const FateWaiter& waiter : write.waiters) {
    in_flight_.release(waiter.place);
    replier_.answer_waiter(waiter, *write.txn);
  }
}

void FateDesk::refuse(const std::vector<SequencedWrite>& dropped, const Error& error,
                      const std::function<void(const FateWaiter&)>& judge_again) {
  for (const SequencedWrite& write : dropped) {
    in_flight_.release(write.place);
    replier_.refuse(write.to, write.id, error);
  }
  for (const SequencedWrite& write : dropped) {
    for (const FateWaiter& waiter : write.waiters) {
      in_flight_.release(waiter.place);
      if (std::holds_alternative<SameOutcome>(waiter.answer)) {
        replier_.refuse(waiter.to, waiter.id, error);
      } else {
        judge_again(waiter);
      }
    }
  }
}

}  // namespace prismbus
