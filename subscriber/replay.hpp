// Replay for recovery: what happened in a namespace, or a subtree, between two moments, change set by change
// set in the order of revisions, after the picture it began with. The picture and the sets up to any revision
// rebuild that revision exactly (I5): ReplayedState does it. On the caller's thread; blocks for the broker.
//
//   auto replay = Replay::open({.brokers = {...}, .ns = "fees.spot", .from = a, .to = b}).value();
//   ReplayedState state;
//   replay->picture([&](const Entry& entry) { state.put(entry); });
//   while (auto set = replay->next().value()) state.apply(*set);
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/base/log.hpp"
#include "proto/transport/client_connection.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

// A revision, or a time: the state after the last transaction whose time is not later.
using ReplayMoment = std::variant<Revision, Wall>;

struct ReplayOptions {
  std::vector<std::string> brokers{"tcp://127.0.0.1:7400"};
  ClientIdentity client{};
  Credentials credentials{};  // of brokers with security on; load_profile(process_environment()) finds them
  std::string ns{};
  bool subtree = false;              // `ns` with everything below; with an empty `ns` everything
  ReplayMoment from = Revision{};    // the picture is of this moment, the sets come after it
  std::optional<ReplayMoment> to{};  // the last moment; none = what the broker has when the replay is opened
  std::chrono::milliseconds timeout{10'000};  // of each question to the broker; above 0, at most ten years
  LogSink log{};                              // may be empty; called inside the calls
};

struct ReplayedSet {
  std::string ns;
  ChangeSet set;
};

class Inquiry;

class Replay {
 public:
  // Finds both moments. Errors: invalid_argument (`from` after `to` names the field), `compacted` with the
  // floor when `from` lies below it, unavailable, other_history; unauthenticated, at once, when no broker
  // takes the token.
  [[nodiscard]] static Result<std::unique_ptr<Replay>> open(ReplayOptions options);
  ~Replay();

  [[nodiscard]] Epoch epoch() const;
  [[nodiscard]] Revision from() const { return from_; }
  [[nodiscard]] Revision to() const { return to_; }

  // Every entry of the state at from(), by namespace and key, exactly as it was.
  [[nodiscard]] Result<void> picture(const std::function<void(const Entry&)>& each);
  // The next set with a revision in (from(), to()], by revision and then namespace; nullopt at the end.
  // Errors: `compacted` when history was trimmed away under the replay, other_history when the broker was
  // restored, the connection's. After `unavailable`, `timeout` and `unauthenticated` the next call goes on
  // where this one stopped.
  [[nodiscard]] Result<std::optional<ReplayedSet>> next();

 private:
  Replay(ReplayOptions options, std::unique_ptr<Inquiry> inquiry);
  [[nodiscard]] Result<Revision> find(const ReplayMoment& moment);
  [[nodiscard]] Result<void> read_page();

  const ReplayOptions options_;
  std::unique_ptr<Inquiry> inquiry_;
  Revision from_, to_;
  std::vector<ReplayedSet> page_;  // wanted sets not given yet, the next one last
  std::optional<std::string> after_;
  bool asked_all_ = false;
};

// A picture brought forward by what is replayed: keys of one or many namespaces, as a broker would hold them.
class ReplayedState {
 public:
  using Name = std::pair<std::string, std::string>;  // namespace, key

  void put(const Entry& entry);
  void apply(const ReplayedSet& replayed);
  [[nodiscard]] const std::map<Name, Entry>& entries() const { return entries_; }

 private:
  std::map<Name, Entry> entries_;
};

// In step with a clock: waits before each set until as much time has passed since the first as lay between
// them when they were written, divided by `speed`.
class ReplayPace {
 public:
  // `now` and `sleep_until` are the clock: the system's when left out. `speed` > 0.
  explicit ReplayPace(double speed, std::function<Steady()> now = {},
                      std::function<void(Steady)> sleep_until = {});
  void await(const ReplayedSet& replayed);

 private:
  const double speed_;
  const std::function<Steady()> now_;
  const std::function<void(Steady)> sleep_until_;
  std::optional<std::pair<Wall, Steady>> first_;
};

}  // namespace prismbus
