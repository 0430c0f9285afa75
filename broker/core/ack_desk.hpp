// ack, subscribers, wait_applied: what those who follow have applied, who asks for it, and who waits for it.
// Bus thread; no clock of its own. What is behind is found on a board of the latest changes, so that an ack
// costs what changed since the one before.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "broker/core/applied_waits.hpp"
#include "broker/core/asked.hpp"
#include "broker/core/change_stream.hpp"
#include "broker/core/follower_table.hpp"
#include "broker/core/head_board.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/live_tap.hpp"
#include "broker/core/replier.hpp"
#include "proto/base/histogram.hpp"

namespace prismbus {

class AckDesk {
 public:
  static constexpr std::size_t kBehindMax = 256;        // names in one answer; the rest comes with the next
  static constexpr std::size_t kBoardVisitsMax = 4096;  // of one ack: about 0.4 ms
  static constexpr std::size_t kHeadVisitsMax = 512;    // of one ack, each may be a look into the store
  static constexpr std::size_t kDirectNames = 64;       // so many names are looked up one by one instead
  // Acks are asked for at multiples of this: most of what a lone ack costs is to wake threads for it and for
  // its answer, which those that come in the same moment share.
  static constexpr std::chrono::milliseconds kGather{10};

  static constexpr std::chrono::seconds kLaggingAfter{5};  // lacks one change set for so long

  // All outlive this; `tap` may be null.
  AckDesk(std::chrono::milliseconds ack, HeadSource& heads, const RuleBook& rules, ReplySink& door,
          InFlight& in_flight, Replier& replier, LiveTap* tap = nullptr)
      : heads_(heads),
        door_(door),
        replier_(replier),
        tap_(tap),
        table_(ack),
        waits_(table_, rules, in_flight, replier) {}

  // A `hello` binds what its connection follows from now on; the same again changes nothing.
  void greet(const Asked& asked, const HelloRequest& hello);
  void gone(ConnectionId connection, Wall time);  // what it follows and what it waits for
  // Answers a request of this desk, now or later; false when it is of another one.
  [[nodiscard]] bool answer(const Asked& asked);
  // A transaction is applied.
  void apply(const StoredTransaction& txn) {
    if (table_.size() > 0) board_.apply(txn);
  }
  // Waits that are over, followers that were silent for too long; everybody who waits when `ending`.
  std::size_t step(Now now, bool ending);
  [[nodiscard]] Steady next_deadline(Steady otherwise) const;

  // How often a follower may ack, as `hello` and each answer to an ack tell it.
  [[nodiscard]] std::chrono::milliseconds ack_interval() const { return table_.ack_interval(); }
  [[nodiscard]] const FollowerTable& table() const { return table_; }
  [[nodiscard]] std::uint64_t acks() const { return acks_; }  // since the start, refused ones among them

  // How far behind those were who acked: a value an ack, and one for each latency told with it.
  struct Lags {
    Histogram change_sets{kSets};  // lacking among what changed lately
    Histogram lacking{kLacking};   // us since an ack first lacked what this one still lacks; 0: nothing such
    Histogram apply{kApply};       // us from a change set's time until it was applied, as followers tell
    static constexpr std::array<std::uint64_t, 9> kSets{0, 1, 3, 10, 30, 100, 1'000, 10'000, 100'000};
    static constexpr std::array<std::uint64_t, 8> kLacking{0,          1'000'000,  2'500'000,  5'000'000,
                                                           10'000'000, 30'000'000, 60'000'000, 300'000'000};
    static constexpr std::array<std::uint64_t, 15> kApply{
        250,     500,     1'000,   2'500,     5'000,     10'000,     25'000,    50'000,
        100'000, 250'000, 500'000, 1'000'000, 2'500'000, 10'000'000, 60'000'000};
  };
  [[nodiscard]] const Lags& lags() const { return lags_; }

 private:
  void ack(const Asked& asked, const AckRequest& request);
  // The interval, shortened so that acks come at multiples of kGather.
  [[nodiscard]] std::chrono::milliseconds next_ack_in(Steady now) const;
  void subscribers(const Asked& asked, const SubscribersRequest& request);
  void wait_applied(const Asked& asked, const WaitAppliedRequest& request);
  void note(Follower& follower, const Asked& asked, const AckRequest& request);
  // An ack held against what there is: its answer, and what it lacks of what its asker may read.
  struct Comparison {
    const Principal& principal;
    AckReply& reply;
    std::uint64_t lacking = 0;  // change sets, of all names
    std::string_view ns{};      // one of the names, lent from the row or the board
    Seq seq{};                  // ... and where it stands
    void lacks(std::string_view name, Seq reached, Seq latest) {
      if (!principal.may_read(name)) return;
      if (lacking == 0) ns = name, seq = latest;
      lacking += latest.value() - reached.value();
    }
  };
  void compare_all(Follower& follower, Comparison& with);
  void compare_latest(Follower& follower, Comparison& with);
  void measure(Follower& follower, const Comparison& found, Steady now);
  [[nodiscard]] bool add_behind(std::string_view ns, const Principal& principal, AckReply& reply);
  void remove(const Follower& follower);
  void note_pace(Follower& follower, Now now);
  void tell(const Follower& follower, Notice::What what, Wall time, Notice notice = {}) const;

  HeadSource& heads_;
  ReplySink& door_;
  Replier& replier_;
  LiveTap* const tap_;
  HeadBoard board_;
  FollowerTable table_;
  AppliedWaits waits_;
  std::uint64_t acks_ = 0;
  Lags lags_;
  // Follow without a row: whose they are. Bounded by the process's descriptors.
  std::unordered_map<ConnectionId, std::string> no_room_;
};

}  // namespace prismbus
