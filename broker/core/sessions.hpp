// Request ids: which writes of a session were applied, so that a repeat gets the first one's outcome and is
// never applied again (I7), across restarts: outcomes live in the state and in the unfolded tail, this table
// is their index in memory. Bus thread. Bounded by limits::kSessions in all and a quarter of them per
// principal (I8); none is forgotten early.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/store/state.hpp"
#include "proto/base/bytes.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {

struct SessionLimits {
  std::size_t sessions = limits::kSessions;
  std::size_t sessions_per_principal = limits::kSessions / 4;
};

class Sessions {
 public:
  // `state` is borrowed for look-ups of outcomes.
  Sessions(SessionLimits limits, StateReader& state) : limits_(limits), state_(state) {}
  // At start: the sessions in the state that are not over at `at`, the time of the first transaction that is
  // not folded, else of the last one. The disk keeps those that are over a while longer, and they count for
  // no limit. Errors: internal (a stored record is corrupt).
  [[nodiscard]] Result<void> load(Wall at);

  struct Standing {
    std::optional<Revision> applied;  // this n was applied then
    std::optional<Revision> pending;  // this n is in flight
  };
  // Neither = a new write. Errors: invalid_argument field `req` (its outcome is no longer known, it may have
  // been applied), overloaded (the table is full), internal (a stored record is corrupt).
  [[nodiscard]] Result<Standing> look(std::string_view by, std::string_view session, std::uint64_t n,
                                      Wall now);

  void add_pending(const StoredTransaction& txn);  // sequenced: the session is held from here on
  void apply(const StoredTransaction& txn);        // durable (also at start, from the tail)
  void drop(const StoredTransaction& txn);         // never became durable

  [[nodiscard]] std::size_t size() const { return sessions_.size(); }

 private:
  struct Outcome {
    std::uint64_t n = 0;
    Revision rev;
    bool pending = false;
  };
  // Outcomes by n modulo the ring's size, which doubles up to 2,048 while two remembered ones collide.
  struct Session {
    std::uint64_t highest = 0;
    Wall last_write{};
    bool complete = true;  // false: the state may hold outcomes that are not in the ring yet
    std::uint32_t pending = 0;
    std::vector<Outcome> ring;
  };
  using Table = std::unordered_map<std::string, Session, BytesHash, std::equal_to<>>;

  std::string_view name_of(std::string_view by, std::string_view session);
  [[nodiscard]] static Outcome* find(Session& session, std::uint64_t n);
  static void place(Session& session, Outcome outcome);
  [[nodiscard]] static bool too_far_apart(const Session& session, std::uint64_t n);
  [[nodiscard]] Result<void> complete(std::string_view by, std::string_view session, Session& entry);
  [[nodiscard]] Result<void> admit_new(std::string_view by, Wall now);
  Table::iterator forget(Table::iterator at);  // answers the next one
  void forget_expired(Wall now);
  Session& hold(const StoredTransaction& txn);

  const SessionLimits limits_;
  StateReader& state_;
  Table sessions_;
  std::unordered_map<std::string, std::size_t, BytesHash, std::equal_to<>> held_by_;
  std::string scratch_;
  Wall swept_{};
};

}  // namespace prismbus
