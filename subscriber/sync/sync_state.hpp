// The subscriber's mind: decides what to ask, what to apply and what to show. Pure: no socket, no thread, no
// clock; the same inputs and seed give the same outputs. One thread steps it. Written along PROTOCOL sections
// 5 and 6. Keeps I5 (a snapshot and the sets after it equal the state), I6 (no gap is hidden), I11 (a set is
// shown whole, or kept back whole when a validator refuses a change of it: rejected_changes).
//
// A namespace goes: unknown -> snapshot being read (sets are held) -> `next` complete, held sets applied,
// changes asked after every lane's barrier -> shown. From then on the set after `seq` is applied as it comes;
// anything else that tells of a higher seq is a gap: wait 75 ms (the other lane may bring it), then ask
// `changes`. A lost tail is found by markers and by the answers to its acks (ack_state); heads are asked for
// every `check_interval` only where acks are not answered. It does not decode bytes or resolve endpoints.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "proto/base/bytes.hpp"
#include "proto/base/log.hpp"
#include "proto/transport/client_connection.hpp"
#include "proto/wire/acknowledgement.hpp"
#include "proto/wire/messages.hpp"
#include "subscriber/sync/ack_state.hpp"
#include "subscriber/sync/follow_set.hpp"
#include "subscriber/sync/followed_namespace.hpp"
#include "subscriber/sync/lane_watch.hpp"
#include "subscriber/sync/sync_run.hpp"
#include "subscriber/sync/sync_update.hpp"
#include "subscriber/sync/validator_set.hpp"
#include "subscriber/view/leaves.hpp"
#include "subscriber/view/staleness.hpp"

namespace prismbus {

// What the machine asks of its owner. Called inside its inputs.
class SyncActions {
 public:
  virtual ~SyncActions() = default;
  // Opens the lane anew, without subscriptions, at one of `endpoints` (as told in `hello`); closes a former
  // socket.
  virtual void open_lane(Lane lane, const std::vector<std::string>& endpoints) = 0;
  virtual void close_lane(Lane lane) = 0;  // nothing followed goes by it any more
  virtual void subscribe(Lane lane, const std::string& topic) = 0;
  virtual void unsubscribe(Lane lane, const std::string& topic) = 0;
  // Sends a request bound to the present epoch; its answer comes back with `tag`. `body` is lent for the
  // call.
  virtual void ask(std::uint64_t tag, const RequestBody& body) = 0;
  virtual void say_hello() = 0;                // on_greeting or on_lost follows, later
  virtual void move_on(const Error& why) = 0;  // to another broker; on_lost may be called at once
  virtual void log(LogLevel level, const LogLine& line) = 0;
};

using SyncReply = std::variant<SnapshotReply, ChangesReply, NamespacesReply, AckReply>;
struct SyncAnswer {
  Epoch epoch;
  Revision rev;
  Result<SyncReply> reply;  // the alternative that was asked for
};

struct KnownNamespace {
  Epoch epoch;
  std::string ns;
  NamespaceCopy copy;
  Rung rung = Rung::disk;
  Wall seen{};  // it was known to be current then
};

struct SyncOptions {
  std::size_t held_bytes_max = 64u << 20;
  std::chrono::milliseconds check_interval{30'000};
  std::uint64_t seed = 0;
  std::vector<StalenessRule> staleness = {};
  std::vector<Validator> validators = {};
  std::chrono::milliseconds full_sync_interval{5000}, sync_interval{100};  // between two of a kind
};

class SyncState {
 public:
  // `actions` outlives this.
  SyncState(FollowSet follow, SyncOptions options, SyncActions& actions);
  ~SyncState();  // after the last take_update(): what the taken pictures do not reach is freed
  SyncState(const SyncState&) = delete;
  SyncState& operator=(const SyncState&) = delete;

  // What disk or seed held of one namespace, before the first greeting: shown as `stale`, of that rung, until
  // a broker confirms it. False (and the entries are freed): not followed, shown already, or of another
  // history than what was restored before.
  bool restore(KnownNamespace&& known, Now now);  // sync_restore.cpp

  // ---- inputs ----
  void on_greeting(const Greeting& greeting, Now now);
  void on_lost(const Error& why, Now now);
  void on_refused(const Error& why);  // no broker takes `hello`
  void on_answer(std::uint64_t tag, SyncAnswer answer, Now now);
  void on_sets(Lane lane, std::string_view ns, std::vector<ChangeSet> sets, Now now);
  // Frames of `ns` came that could not be opened: what was in them is asked for, or that it may not be read
  // is told.
  void on_unread(std::string_view ns, Now now);
  void on_heartbeat(Lane lane, const Heartbeat& beat, Now now);
  void on_barrier(Lane lane, std::string_view topic, const Barrier& barrier, Now now);
  void tick(Now now);
  // This process stood still for long: what came meanwhile may have been cut. Asks for heads now.
  void on_stall(Now now);
  [[nodiscard]] Steady next_deadline() const;

  // Brings everything (selective: `names`) up to what the broker has now: full by fresh snapshots, the others
  // by changes where they are enough. Gives the id under which take_reports() tells how it went, `at_most`
  // later. Errors: invalid_argument (no name, or one that is not followed), overloaded with retry_after_ms
  // (again within the kind's interval, or too many under way).
  [[nodiscard]] Result<std::uint64_t> begin_sync(SyncKind kind, const std::vector<std::string>& names,
                                                 std::chrono::milliseconds at_most, Now now);
  // Those that ended since the last call. What they tell of is in the update that was not taken yet, or
  // before.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, SyncReport>> take_reports() {
    return std::exchange(reports_, {});
  }

  // What became visible since the last call. The taker owns what `root` reaches; see SyncUpdate.
  [[nodiscard]] SyncUpdate take_update();

  struct Counters {
    std::uint64_t joins = 0, resyncs = 0, gaps = 0, overflows = 0, bogus = 0, barriers_late = 0;
    std::uint64_t behind = 0;             // lost tails that an answer to an ack told of
    std::uint64_t rejected = 0;           // changes of keys that a validator refused
    std::uint64_t rejections_untold = 0;  // too many at once for the acks
    std::uint64_t validator_exceptions = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] bool in_force() const;  // greeted, and the barrier of every open lane came

 private:
  using Namespaces =
      std::unordered_map<std::string, std::unique_ptr<FollowedNamespace>, BytesHash, std::equal_to<>>;
  struct Job {
    enum class Kind : std::uint8_t { snapshot, changes, subtree_changes, survey } kind = Kind::snapshot;
    std::uint64_t join = 0;  // begun in it
    bool after_barriers = false;
    std::string ns;                      // snapshot of one namespace
    std::optional<std::size_t> subtree;  // everything else but `changes`
    std::vector<std::pair<FollowedNamespace*, Seq>> since;
    std::optional<std::string> after;
    bool begun = false;  // the first chunk came
    std::uint64_t tag = 0;
    Now asked{};
    std::unordered_map<std::string, std::uint64_t> bytes;  // of a snapshot, by namespace
    Revision first_rev, last_rev;
    std::unordered_map<std::string, NamespaceCopy> build;
    std::unordered_map<std::string, Lane> lanes;
  };

  // sync_state.cpp: joining, lanes, time
  void begin_join(const Greeting& greeting, Now now);
  void forget_history(Now now);
  void join_lane(Lane lane, bool reopen, Now now);
  void leave_express();
  void learn_lane(FollowedNamespace& n, Lane lane, Now now);
  void rejoin(std::string_view why, bool reopen, Now now);
  void check_lane(Lane lane, Now now);
  void plan_check(Now now);
  void begin_check(Now now, bool everything);
  [[nodiscard]] LaneWatch& watch(Lane lane) { return lanes_[static_cast<std::size_t>(lane)]; }
  [[nodiscard]] std::string fresh_barrier_topic();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);

  // sync_stream.cpp: sets
  [[nodiscard]] FollowedNamespace* find(std::string_view ns);
  FollowedNamespace* find_or_follow(std::string_view ns);
  void on_set(FollowedNamespace& n, ChangeSet&& set, Now now);
  void on_marker(FollowedNamespace& n, const ChangeSet& marker, Now now);
  void apply(FollowedNamespace& n, const ChangeSet& set);
  void apply_held(FollowedNamespace& n);
  void hold(FollowedNamespace& n, ChangeSet&& set, Now now);
  void drop_held(FollowedNamespace& n);
  void overflow(Now now);
  void compare_hash(FollowedNamespace& n, Seq seq, std::uint64_t hash, Now now);
  void resync(FollowedNamespace& n, ResyncReason reason, std::string why, Now now);

  // sync_requests.cpp: what is asked
  void want(FollowedNamespace& n, Need need, Cause cause, Steady at);
  void pump(Now now);
  void pump_changes(Now now);
  void begin(Job job, Now now);
  void send(std::uint64_t tag, const Job& job);
  void on_failed(std::uint64_t tag, const Error& error, bool same_epoch, Now now);
  void on_failed_changes(std::uint64_t tag, Job& job, const Error& error, Steady again, Now now);
  void requeue(std::uint64_t tag, Job& job, Steady at);
  void enqueue(FollowedNamespace& n);
  // sync_answers.cpp: what came
  void on_snapshot(std::uint64_t tag, Job& job, SnapshotReply& reply, Revision rev, Now now);
  void finish_snapshot(Job& job, Now now);
  void abandon(FollowedNamespace& n);
  void install(FollowedNamespace& n, NamespaceCopy&& copy, const Job& job, Now now);
  void on_changes(std::uint64_t tag, Job& job, ChangesReply& reply, Revision rev, Now now);
  void on_failed_name(FollowedNamespace& n, const Error& error, Now now);
  void on_heads(const std::vector<std::pair<std::string, Head>>& heads, Now now);
  void on_survey(std::uint64_t tag, Job& job, NamespacesReply& reply, Now now);
  void finish_subtree_changes(Job& job, Revision rev, Now now);
  void finish_survey(std::uint64_t tag, Job& job, Now now);
  void settle(FollowedNamespace& n, const Job& job, Revision rev, Now now);

  // sync_acks.cpp: what is acknowledged
  void join_acks(Now now);
  [[nodiscard]] std::uint64_t first_ack_spread() const;  // ms
  void tell_all();
  void step_acks(Now now);
  void on_ack(const SyncAnswer& answer, Now now);
  void on_behind(FollowedNamespace& n, const Head& head, Now now);

  // sync_on_demand.cpp: what the application asks for
  void add_to_run(SyncRun& run, FollowedNamespace& n);
  void add_to_run(SyncRun& run, const std::string& ns);
  void wake_runs(Now now);
  void step_runs(Now now);
  [[nodiscard]] bool step_run(SyncRun& run, const SyncRun::Subtree& item, Now now);
  void step_run(const SyncRun& run, SyncRun::Item& item, Now now);
  void expect_snapshot(FollowedNamespace& n);
  void end_item(const SyncRun& run, SyncRun::Item& item, Now now, std::optional<Error> error = {});
  void finish_run(SyncRun& run, Now now);
  // sync_records.cpp: what is remembered
  [[nodiscard]] NamespaceSync measure(const FollowedNamespace& n, Seq before, const SyncTotals& since) const;
  void open_record(FollowedNamespace& n, Now began);
  void close_record(FollowedNamespace& n, Now now, std::optional<Error> error = {});
  void remember(SyncRecord record);

  // sync_picture.cpp: what is shown
  void reveal(FollowedNamespace& n);
  void update_state(FollowedNamespace& n, Now now);
  void update_all_states(Now now);
  void explain(FollowedNamespace& n, std::string why);
  // sync_staleness.cpp: what is too old
  void judge_staleness(FollowedNamespace& n, Now now);
  void check_staleness(Now now);
  // sync_rejections.cpp: what is kept from readers
  void judge_set(FollowedNamespace& n, const SetMeta& set);
  void judge_snapshot(FollowedNamespace& n, const SetMeta& set);
  void on_judged(FollowedNamespace& n, RejectedChanges::Judged&& judged, Seq seq);
  void retell_rejections();
  void mark_dirty(FollowedNamespace& n);
  void tell(FollowedNamespace& n, const std::shared_ptr<const SetMeta>& set,
            const std::vector<KeyChange>& changes);
  [[nodiscard]] bool all_live() const;

  FollowSet follow_;
  SyncOptions options_;
  ValidatorSet validators_;
  SyncActions* actions_;
  std::mt19937_64 random_;

  bool greeted_ = false;  // between on_greeting and on_lost
  Epoch epoch_;
  bool has_epoch_ = false;
  Run run_;
  Greeting greeting_;
  std::uint64_t join_ = 0;
  std::optional<Steady> rejoin_at_;
  bool rejoin_reopens_ = false;
  std::uint64_t rejoins_in_a_row_ = 0;
  Steady calm_since_{}, check_at_ = Steady::max(), next_work_ = Steady::max(), stale_at_ = Steady::max();
  std::array<LaneWatch, 2> lanes_;
  AckState acks_;
  bool first_ack_held_ = false;  // until all_live(), or for so long
  Steady acked_at_{};            // when the last ack was answered

  Namespaces namespaces_;
  std::vector<FollowedSubtree> subtrees_;
  std::deque<FollowedNamespace*> snapshots_wanted_;
  std::vector<FollowedNamespace*> changes_wanted_;
  std::unordered_map<std::uint64_t, Job> jobs_;
  std::uint64_t last_tag_ = 0;
  std::size_t held_bytes_ = 0;

  std::vector<SyncRun> runs_;
  std::vector<std::pair<std::uint64_t, SyncReport>> reports_;
  std::uint64_t last_run_ = 0;
  Steady runs_at_ = Steady::max(), full_sync_at_{}, sync_at_{};  // steps of runs; no sooner than
  std::deque<SyncRecord> history_;
  bool history_changed_ = false;
  std::shared_ptr<const std::vector<SyncRecord>> told_history_;
  SyncMetrics metrics_;

  Hamt<NamespaceLeaf> table_;
  std::vector<FollowedNamespace*> dirty_;
  std::size_t not_live_ = 0;
  struct Told {
    Epoch epoch;
    bool all_live = false, connected = false;
    std::shared_ptr<const std::string> broker;
    SyncMetrics metrics;
    std::shared_ptr<const Error> refused;
    friend bool operator==(const Told&, const Told&) = default;
  } told_;  // what the last picture said besides its namespaces
  std::shared_ptr<const std::string> broker_;
  std::shared_ptr<const Error> refused_;  // null: `hello` was answered since
  std::vector<SyncEvent> events_;
  Garbage garbage_;
  std::vector<KeyChange> changes_scratch_;
  Counters counters_;
};

}  // namespace prismbus
