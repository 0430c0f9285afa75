// wait_applied: publishers that wait until those who follow a namespace have applied a seq of it. Who
// followed when the wait began is waited for; who goes away, is forgotten or says `hello` anew is not any
// longer, and counts as silent where it had not reached the seq. A wait keeps a count and no list: an ack
// that passes the seq takes one off it, so that an ack costs the waits for the names it tells of and nothing
// else. Bus thread. Bounded by kWaitsMax (I8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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

  // All outlive this.
  AppliedWaits(const FollowerTable& table, InFlight& in_flight, Replier& replier)
      : table_(table), in_flight_(in_flight), replier_(replier) {}

  // Answers now or later; the right to read `ns` was looked at. `overloaded` when there are too many.
  void wait(const Asked& asked, const WaitAppliedRequest& request);
  // `follower` has come from `before` to `after` in `ns`; its refusals are noted already.
  void on_progress(const Follower& follower, std::string_view ns, Seq before, Seq after);
  // Before its row is removed.
  void on_leaving(const Follower& follower);
  // Answers those whose time is over; `unavailable` to all when `ending`. Returns how many.
  std::size_t step(Steady now, bool ending);
  [[nodiscard]] Steady next_deadline(Steady otherwise) const;
  [[nodiscard]] std::size_t size() const { return waits_.size(); }

 private:
  enum class Standing : std::uint8_t { applied, rejected, silent };
  struct Left {  // who went away meanwhile, as it stood then
    std::shared_ptr<const std::string> principal, instance;
    Standing standing;
    std::string key, reason;
  };
  struct Wait {
    std::uint64_t id = 0;
    ReplyTo to;
    MessageId message;
    std::string ns;
    Seq seq;
    std::uint64_t order = 0;  // of the last `hello` before it
    std::size_t open = 0;     // who has not reached the seq
    std::size_t reached = 0;  // who has, and refused nothing of it
    std::optional<std::uint64_t> enough;
    Steady deadline{};
    std::vector<Left> left{};
    [[nodiscard]] bool over() const { return open == 0 || (enough && reached >= *enough); }
  };
  [[nodiscard]] static Standing standing_of(const Follower& follower, const Wait& wait);
  void collect(const Wait& wait, WaitAppliedReply& reply) const;
  void answer(const Wait& wait);
  void remove(std::uint64_t id);

  const FollowerTable& table_;
  InFlight& in_flight_;
  Replier& replier_;
  std::map<std::uint64_t, Wait> waits_;
  std::unordered_map<std::string, std::vector<std::uint64_t>, BytesHash, std::equal_to<>> by_ns_;
  std::multimap<Steady, std::uint64_t> by_deadline_;
  std::uint64_t last_id_ = 0;
};

}  // namespace prismbus
