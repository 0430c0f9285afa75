// wait_applied: publishers that wait until those who follow a namespace have applied a seq of it. Who
// followed when the wait began is waited for; who goes away or is forgotten is not any longer, and counts as
// silent where it had not reached the seq. Connections of one instance count as one, the furthest speaks for
// it: an old one may still be half open. A wait keeps counts and no list: an ack that passes the seq is
// weighed against the waits for the names it tells of and nothing else. What looks at every row, to begin a
// wait and to answer it, is done in steps of kRowsAStep. Bus thread. Bounded by kWaitsMax,
// kConnectionWaitsMax and kLeftMax (I8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/core/asked.hpp"
#include "broker/core/follower_table.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/replier.hpp"
#include "proto/base/bytes.hpp"

namespace prismbus {

class AppliedWaits {
 public:
  static constexpr std::size_t kWaitsMax = 1024;
  static constexpr std::size_t kConnectionWaitsMax = 256;
  static constexpr std::size_t kRowsAStep = 20'000;  // about 10 ms
  static constexpr std::size_t kLeftMax = 100'000;   // who went away, over all waits: a wait past it ends

  // All outlive this.
  AppliedWaits(const FollowerTable& table, const RuleBook& rules, InFlight& in_flight, Replier& replier)
      : table_(table), rules_(rules), in_flight_(in_flight), replier_(replier) {}

  // Begins with the next step; the right to read `ns` was looked at, and is again for the answer.
  // `overloaded` when there are too many. A repeat of one that waits is dropped: they have one answer.
  void wait(const Asked& asked, const WaitAppliedRequest& request);
  // `follower` has come from `before` to `after` in `ns`; its refusals are noted already.
  void on_progress(const Follower& follower, std::string_view ns, Seq before, Seq after);
  // Before its row is removed.
  void on_leaving(const Follower& follower);
  // Nothing reaches that connection any more: what it waits for is dropped.
  void on_gone(ConnectionId connection);
  // Begins and answers what is due; `unavailable` to all when `ending`. Returns how many.
  std::size_t step(Now now, bool ending);
  [[nodiscard]] Steady next_deadline(Steady otherwise) const;
  [[nodiscard]] std::size_t size() const { return waits_.size(); }

 private:
  enum class Standing : std::uint8_t { applied, rejected, silent };  // the better one first
  enum class Phase : std::uint8_t { to_begin, open, over };
  struct Left {  // who went away meanwhile, as it stood then
    std::string principal, instance;
    Standing standing = Standing::silent;
    std::string key, reason;
  };
  struct Wait {
    std::uint64_t id = 0;
    ReplyTo to;
    MessageId message;
    InFlight::Place place;
    Principal principal;
    std::string ns;
    Seq seq;
    std::optional<std::uint64_t> enough;
    Steady deadline{};
    Phase phase = Phase::to_begin;
    std::uint64_t order = 0;                       // of the last `hello` before it began
    std::size_t open = 0;                          // instances that have not reached the seq
    std::size_t reached = 0;                       // ... that have, and refused nothing of it
    std::unordered_map<std::string, Left> left{};  // by identity
    [[nodiscard]] bool satisfied() const { return open == 0 || (enough && reached >= *enough); }
  };
  // What the other connections of an instance, and those that left, have come to.
  struct Others {
    Standing best = Standing::silent;
    bool awaited = false;  // one of them followed when the wait began
  };
  [[nodiscard]] static Standing standing_of(const Follower& follower, const Wait& wait);
  [[nodiscard]] Others others_of(const Follower& follower, const Wait& wait) const;
  void begin(Wait& wait);
  void end(Wait& wait);  // it is answered in a step
  void settle(Wait& wait);
  void collect(const Wait& wait, WaitAppliedReply& reply) const;
  void answer(const Wait& wait, Wall now);
  void remove(std::uint64_t id);

  const FollowerTable& table_;
  const RuleBook& rules_;
  InFlight& in_flight_;
  Replier& replier_;
  std::map<std::uint64_t, Wait> waits_;
  std::deque<std::uint64_t> due_;  // to begin or to answer, in turn; some may be gone
  using ByNamespace = std::unordered_map<std::string, std::vector<std::uint64_t>, BytesHash, std::equal_to<>>;
  ByNamespace by_ns_;  // open ones
  std::unordered_map<ConnectionId, std::vector<std::uint64_t>> by_connection_;
  std::multimap<Steady, std::uint64_t> by_deadline_;
  std::size_t left_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace prismbus
