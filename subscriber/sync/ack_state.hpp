// What a subscriber owes the broker in `ack` (PROTOCOL section 6, point 5): which seqs it has applied, what
// it refused, how late changes came; and when to say so: not more often than `ack_ms`, at least every 10 x
// `ack_ms`, one at a time. Pure; part of SyncState, on its thread.
// Kept: what an ack that was not answered told is told again (A1); after `hello` everything is (A2). It does
// not judge `behind`: SyncState does.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/wire/messages.hpp"
#include "subscriber/sync/followed_namespace.hpp"

namespace prismbus {

class AckState {
 public:
  // 16 acks full; more only wait when hundreds of changes a second are refused for long.
  static constexpr std::size_t kRejectionsWaiting = 4096;

  // ---- hello ----
  // Answered: touched() of every namespace that may be told of follows. The first ack leaves after `wait`, or
  // sooner by hasten().
  void on_joined(std::uint64_t ack_ms, std::chrono::milliseconds wait, Steady now);
  void hasten(Steady at) { not_before_ = std::min(not_before_, at); }
  void on_lost();  // nothing is sent until on_joined

  // ---- what there is to tell ----
  void touched(FollowedNamespace& n);  // its applied seq moved, or the broker asked for it (`behind`)
  // A change of `n` that its readers are not shown. Told in the ack that passes its seq or before it. When
  // the oldest of kRejectionsWaiting has to make room it is never told, and counted. Nothing while none may
  // be sent: what stands is told after on_joined.
  void reject(FollowedNamespace& n, RejectedChange change);
  void forget_rejections() { rejections_.clear(); }  // of those not told yet
  [[nodiscard]] std::uint64_t rejections_dropped() const { return rejections_dropped_; }
  // From a change set's time until it was applied. Of more than an ack carries, a random choice is told.
  void sample(std::chrono::microseconds latency, std::uint64_t random);

  // ---- acks ----
  // To be asked at every step. News that comes when an ack could leave at once leaves at once; in a crowd (a
  // pace of more than a second) it waits for the next whole pace since the last ack, so that not all ack a
  // rare change in the same moment.
  [[nodiscard]] bool due(Steady now);
  [[nodiscard]] Steady next_deadline() const;  // max() while one is not answered, or none may be sent
  // The ack to send now under `tag`; lends from the namespaces.
  [[nodiscard]] AckRequest make(std::uint64_t tag, Steady now);
  [[nodiscard]] bool waits_for(std::uint64_t tag) const { return tag_ != 0 && tag_ == tag; }
  void on_answered(std::uint64_t ack_ms);
  void on_failed(Steady now);  // told again with the next one
  void on_unsupported();       // the broker takes none: nothing is sent until on_joined

 private:
  struct Rejection {
    FollowedNamespace* n = nullptr;
    RejectedChange change;
  };

  void set_pace(std::uint64_t ack_ms);
  void take_rejections(AckRequest& ack);
  [[nodiscard]] std::unordered_map<const FollowedNamespace*, Seq> limits_of_waiting() const;

  bool on_ = false;
  bool timed_ = false;  // the turn of the news that there is, is set
  std::chrono::milliseconds pace_{1000};
  Steady sent_at_{}, not_before_{};
  std::uint64_t tag_ = 0;                          // the ack under way, 0 = none
  std::vector<FollowedNamespace*> wanted_, told_;  // to be told; told by the ack under way
  std::deque<Rejection> rejections_;               // to be told, the oldest first
  std::vector<Rejection> told_rejections_;         // told by the ack under way
  std::uint64_t rejections_dropped_ = 0;
  std::vector<std::uint64_t> latency_us_;
  std::uint64_t samples_ = 0;  // since the last ack
};

}  // namespace prismbus
