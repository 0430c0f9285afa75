// Who follows what, and how far each has come: one row for each connection whose `hello` said `follow`, kept
// up by its acks. Bus thread. Bounded (I8): rows by kRowsMax, the namespaces of all rows by kNamesMax, their
// text by kTextBytesMax, refusals and latencies of a row by their own limits. A row whose acks stay away for
// forget_after() is forgotten, so that the table holds who is there and not who ever was.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/ports.hpp"
#include "proto/base/clock.hpp"
#include "proto/wire/acknowledgement.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {

// The connections of one principal and instance that follow; in no order.
struct FollowerInstance {
  std::string identity;
  std::vector<ConnectionId> connections;
};

struct Follower {
  using Applied = std::map<std::string, Seq, std::less<>>;
  ConnectionId connection;
  std::uint64_t order = 0;     // of its `hello` among all: later ones are greater
  std::uint64_t greeting = 0;  // digest of all its `hello` said
  std::string principal, instance, name, state;
  const FollowerInstance* peers = nullptr;  // itself among them; the table's
  std::vector<std::pair<std::string, std::string>> labels;
  Applied applied;                 // the names it follows exactly, from seq 0 on, and those it told of
  std::vector<std::string> under;  // sorted; "" = everything but the broker's own
  std::deque<Rejection> rejected;  // the latest, for people
  // Of the latest kRefusalsKept: hash of the namespace, seq. What waits are answered by, so never cut for
  // room.
  std::deque<std::pair<std::uint64_t, Seq>> refusals;
  std::uint64_t rejections = 0;              // ever
  std::array<std::uint32_t, 128> latency{};  // us, a ring
  std::uint64_t latencies = 0;               // ever
  Wall since{}, last_seen{};
  Steady seen{};
  bool compared = false;           // all it applied was held against the heads once, after its first ack
  bool found_behind = false;       // ... and something was not reached, in this round of it
  std::string compare_next;        // ... the name to go on with
  std::uint64_t looked = 0;        // order on the head board up to which this round has looked
  std::uint64_t first_behind = 0;  // ... of the first it has not reached, found in this round; 0 = none
  // A change set it lacked at an ack, the oldest still missing one that was seen; seq 0 = none.
  struct Lacked {
    std::string ns;
    Seq seq;
    Steady since{};
  };
  Lacked lacked;
  bool lagging = false;        // ... for so long that it was told
  std::size_t text_bytes = 0;  // what it counts for in the table's bound
  std::list<ConnectionId>::iterator place;

  [[nodiscard]] bool follows(std::string_view ns) const;
  [[nodiscard]] Seq reached(std::string_view ns) const;
  // It refused something of that change set. Told of the latest kRefusalsKept refusals.
  [[nodiscard]] bool refused(std::string_view ns, Seq seq) const;
  [[nodiscard]] std::size_t refusals_of(std::string_view ns) const;  // among those
  // With its reason, as long as it is among the latest.
  [[nodiscard]] const Rejection* find_rejection(std::string_view ns, Seq seq) const;
  [[nodiscard]] std::optional<LatencyFigures> latency_figures() const;
};

class FollowerTable {
 public:
  static constexpr std::size_t kRowsMax = limits::kFollowersListed;
  static constexpr std::size_t kNamesMax = 1'000'000;       // about 100 bytes each
  static constexpr std::size_t kTextBytesMax = 128u << 20;  // labels, names of `follow`, reasons of refusals
  static constexpr std::size_t kInstanceRowsMax = 16;       // connections of one instance
  static constexpr std::size_t kSilentCounted = 1000;       // about 0.2 ms
  static constexpr std::size_t kRefusalsKept = limits::kAckRejections;
  static constexpr std::chrono::seconds kForgottenAfter{60};  // at least; with slow acks 30 of them
  static constexpr std::chrono::milliseconds kAckMax{30'000};
  static constexpr std::chrono::microseconds kAckCost{50};  // of all threads of the broker
  static constexpr int kAckPercent = 4;                     // of a core for all acks together
  // ... but so that up to 10,000 followers answer who waits for them within 5 s, whatever it costs.
  static constexpr std::chrono::microseconds kAckPatience{500};  // a follower
  static constexpr std::chrono::seconds kAckPatienceMin{5};

  explicit FollowerTable(std::chrono::milliseconds ack) : ack_(ack) {}

  // The same for all connections of one principal and instance; a connection without is an instance alone.
  [[nodiscard]] static std::string identity_of(ConnectionId connection, const HelloRequest& hello,
                                               const Principal& principal);
  // Two of the same say the same of who follows what.
  [[nodiscard]] static std::uint64_t digest_of(const HelloRequest& hello, const Principal& principal);
  // A row for a connection that has none; null when there is no room for it.
  Follower* add(ConnectionId connection, const HelloRequest& hello, const Principal& principal, Now now);
  [[nodiscard]] Follower* find(ConnectionId connection);
  void remove(ConnectionId connection);
  // Its ack is in: it is the last to be forgotten.
  void touch(Follower& follower, Now now);
  // A refusal told twice is one. All are counted; the reasons of the latest are kept as long as there is
  // room.
  void keep(Follower& follower, Rejection rejection);
  // Room for so many more names; the caller adds them to a row right away.
  [[nodiscard]] bool has_room_for(std::size_t names) const { return names_ + names <= kNamesMax; }
  // For one more connection of the instance.
  [[nodiscard]] bool has_room_for_row(const std::string& identity) const;
  void count_names(std::size_t more) { names_ += more; }

  // The one whose acks stay away too long; null = none.
  [[nodiscard]] const Follower* overdue(Steady now) const;
  [[nodiscard]] std::optional<Steady> next_overdue() const;

  // How often a follower may ack: as configured, and less often with many of them.
  [[nodiscard]] std::chrono::milliseconds ack_interval() const;
  // A follower that was not heard of for so long is called silent.
  [[nodiscard]] std::chrono::milliseconds silent_after() const { return 15 * ack_interval(); }
  [[nodiscard]] std::chrono::milliseconds forget_after() const;

  // Those not heard of for longer than that, and not forgotten yet; the count ends at kSilentCounted.
  [[nodiscard]] std::size_t silent(Steady now) const;

  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] std::uint64_t rejections() const { return rejections_; }  // of all, since the start
  [[nodiscard]] std::uint64_t last_order() const { return last_order_; }
  [[nodiscard]] const std::map<ConnectionId, Follower>& rows() const { return rows_; }

 private:
  const std::chrono::milliseconds ack_;
  std::map<ConnectionId, Follower> rows_;
  std::unordered_map<std::string, FollowerInstance> instances_;  // by identity; nodes stay where they are
  std::list<ConnectionId> by_seen_;                              // the one not heard of for longest first
  std::size_t names_ = 0, text_bytes_ = 0;
  std::uint64_t last_order_ = 0, rejections_ = 0;
};

}  // namespace prismbus
