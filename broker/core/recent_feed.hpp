// The way from recent into state: applied transactions go to the fold thread, and what it folded leaves
// recent, a little a step; the floors it moved go on to the journal. Bus thread.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <vector>

#include "broker/store/agents.hpp"
#include "broker/store/recent.hpp"
#include "proto/base/histogram.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

class RecentFeed {
 public:
  // `to_trim` gets each new floor of the state; `recent` and `state` are borrowed.
  RecentFeed(BoundedQueue<JournalBatch>& to_fold, BoundedQueue<FoldOutcome>& from_fold,
             BoundedQueue<Revision>& to_trim, Recent& recent, StateReader& state, const LogSink& log);

  // What the queue has no room for waits here, with recent's limits as its bound.
  void send(JournalBatch applied);
  // Takes outcomes, renews the state's transaction, lets recent forget; returns how much it did.
  std::size_t step();
  [[nodiscard]] bool failed() const { return failed_; }  // the process has to end
  [[nodiscard]] Revision folded() const { return folded_; }
  [[nodiscard]] Revision floor() const { return floor_; }  // history below it is gone, or on its way
  // How old the oldest transaction is that is applied and not folded, give or take kMarkEvery; zero: all are.
  [[nodiscard]] std::chrono::microseconds lag(Wall now) const;
  [[nodiscard]] const Histogram& fold_took() const { return took_; }  // milliseconds

 private:
  void take(const FoldOutcome& outcome);
  void push();

  BoundedQueue<JournalBatch>& to_fold_;
  BoundedQueue<FoldOutcome>& from_fold_;
  BoundedQueue<Revision>& to_trim_;
  Recent& recent_;
  StateReader& state_;
  const LogSink& log_;
  Revision folded_, forgotten_;
  Revision floor_, told_floor_;
  bool failed_ = false, waits_for_space_ = false;
  static constexpr std::chrono::milliseconds kMarkEvery{100};
  struct Mark {  // a transaction and its time
    Revision rev;
    Wall time{};
  };
  std::deque<Mark> marks_;  // not folded, but for the first; in order
  Revision last_sent_;
  static constexpr std::array<std::uint64_t, 10> kTook{5, 10, 25, 50, 100, 250, 500, 1'000, 5'000, 30'000};
  Histogram took_{kTook};
  JournalBatch unsent_;
  std::vector<FoldOutcome> outcomes_;
};

}  // namespace prismbus
