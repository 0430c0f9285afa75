// The reading client: a live local copy of namespaces. Any thread may call; one background thread owns the
// sockets (subscriber.cpp starts it) and a pure state machine (sync_state) decides what to ask and what to
// show. It keeps I5 (what is shown equals the broker's state at that seq), I6 (no gap is hidden: every resync
// is counted, with its reason, and told by a callback) and I11. When the broker is away the last state stays
// readable, as `stale`.
// fork(): threads and sockets stay with the parent. A child may exec or _exit, and open a Subscriber of its
// own; it never calls or destroys the parent's, nor reads a View of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "proto/base/log.hpp"
#include "proto/client/broker_reads.hpp"
#include "proto/transport/client_connection.hpp"
#include "subscriber/cache/cache_options.hpp"
#include "subscriber/delivery/subscription.hpp"
#include "subscriber/handle.hpp"
#include "subscriber/view/staleness.hpp"
#include "subscriber/view/sync_report.hpp"
#include "subscriber/view/validator.hpp"
#include "subscriber/view/view.hpp"

namespace prismbus {

// One change of one key as readers see it. Lent for the callback.
struct ChangeEvent {
  std::string_view ns, key;
  std::optional<ValueView> before;  // changed, deleted
  std::optional<ValueView> after;   // added, changed
  Seq seq;                          // of the change set; of a resync: the seq it arrived at
  Revision rev;                     // of the change set
  Wall time{};                      // of the change set
  std::string_view by;              // who wrote it; empty in a resync
  std::optional<std::string_view> note;
  bool resync =
      false;  // found by comparing an old picture with a new snapshot: steps between may have been skipped
};

// A namespace moved to a new seq (after its change events), or was replaced by a snapshot. Lent for the
// callback.
struct NamespaceEvent {
  std::string_view ns;
  Seq seq;
  Revision rev;
  std::size_t changes = 0;  // change events told for it
  bool resync = false;
  std::string_view why;  // resync: the reason
};

// Lent for the callback.
struct StateEvent {
  std::string_view ns;
  NamespaceState before, after;
  std::string_view why;  // empty when nothing is wrong
};

// A namespace is older than its rule allows; told once until it is live again. Lent for the callback.
struct StaleEvent {
  std::string_view ns;
  std::chrono::milliseconds age;
  bool refused;  // reads give nothing
  std::string_view why;
};

// The simple form: one subscription named "callbacks" to all that is followed, on_background_thread, from the
// start (id 1). In order; in one namespace by ascending seq. When they run, view() already shows what they
// tell (or something newer). They must not block for long, and must not call stop(). An exception is caught,
// counted and logged. The first snapshot of a namespace is told as `added` events.
struct SubscriberCallbacks {
  std::function<void(const ChangeEvent&)> added{}, changed{}, deleted{};
  std::function<void(const NamespaceEvent&)> namespace_changed{};
  std::function<void(const StateEvent&)> state_changed{};
  std::function<void(const StaleEvent&)> grew_stale{};
};

struct SubscriberOptions {
  std::vector<std::string> brokers{"tcp://127.0.0.1:7400"};  // request endpoints; one is used at a time
  std::vector<std::string> namespaces{};                     // followed exactly
  std::vector<std::string> subtrees{};                       // with everything below; "" = everything
  ClientIdentity client{};
  Credentials credentials{};  // of brokers with security on; load_profile(process_environment()) finds them
  SubscriberCallbacks callbacks{};
  std::size_t buffer_bytes_max = 64u << 20;  // changes held while joining; over it they are fetched again
  // Between looks at the broker's heads, which find a lost tail without markers: of everything while the
  // broker takes no acks, else of what it refuses and what a snapshot did not make equal to it.
  std::chrono::milliseconds check_interval{30'000};
  std::chrono::milliseconds read_timeout{10'000};  // of broker()'s reads, from the call to the answer
  CacheOptions cache{};  // the disk below the local copy; off unless a directory is given
  // The first that covers a namespace counts; none: it is served at any age.
  std::vector<StalenessRule> staleness{};
  std::chrono::milliseconds full_sync_interval{5'000};  // between two full_sync(); sooner is `overloaded`
  std::chrono::milliseconds sync_interval{100};         // likewise of the others
  std::vector<Validator> validators{};                  // may keep a change from readers; see validator.hpp
  std::string seed_file{};                              // read for what the cache does not hold; empty = none
  LogSink log{};  // may be empty; called on the background threads, and in open()
};

struct NamespaceStatus {
  std::string ns;
  NamespaceState state = NamespaceState::joining;
  Seq seq;
  Revision rev;
  std::uint64_t hash = 0;
  std::size_t keys = 0;       // that readers see
  std::size_t kept_back = 0;  // keys of which readers see an older entry, or none (validator.hpp)
  std::vector<RejectedChange>
      rejected;                     // of those, the ones that were refused: the latest, at most kRejectedTold
  Rung rung = Rung::memory;         // where what is shown came from
  std::chrono::milliseconds age{};  // since it was last known to be current
  std::uint64_t resyncs = 0;        // snapshots taken after the first
  std::uint64_t events = 0;         // changes of keys that readers noticed
  std::uint64_t bytes = 0;          // keys and values received
  std::uint64_t behind = 0;         // change sets known of and not shown yet
  std::chrono::microseconds
      latency{};    // of the last set the stream brought: from its time until it was applied
  std::string why;  // of the last resync, or why it is stale
};

struct SubscriberStatus {
  bool connected = false;  // a broker answered `hello` and the stream is in force
  std::string broker;      // its request endpoint; the last one when not connected
  // Why the brokers refuse `hello` (a token that is bad, expired or revoked, most often); nullopt: they do
  // not. They are tried again, with the token of then.
  std::optional<Error> refused;
  Epoch epoch;
  std::vector<NamespaceStatus> namespaces;  // sorted; an exact namespace is listed from the start
  std::uint64_t frames = 0, joins = 0, resyncs = 0, callback_exceptions = 0, dropped_frames = 0;
  std::uint64_t rejected = 0;           // changes of keys that a validator refused
  std::uint64_t rejections_untold = 0;  // ... of which the broker was not told: hundreds a second for long
  std::uint64_t handle_mismatches = 0;  // entries of another type than a handle that reads their key
  SyncMetrics sync;
  std::vector<SyncRecord> history;  // syncs of namespaces, the last kSyncHistory, the oldest first
  CacheStatus cache;
};

class Subscriber {
 public:
  // Reads cache and seed (what they hold is shown when it returns), then starts the background threads; does
  // not wait for a broker. invalid_argument: no broker, nothing to follow, a malformed endpoint, name or
  // pattern, a cache directory, key or seed file that is not ours alone. not_found: no such seed or key file.
  [[nodiscard]] static Result<std::unique_ptr<Subscriber>> open(SubscriberOptions options);
  // Stops. No View may be left.
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  // The newest picture. Any thread; no lock, no allocation, tens of nanoseconds.
  [[nodiscard]] View view() const;

  // Reads of the broker on demand: any namespace it lets us read, followed or not, the newest or the past.
  // Any thread, callbacks of every kind too. What is read does not enter the view; an answer may be older
  // than a view taken meanwhile unless the call says `min_rev` = its rev. After stop() `unavailable`.
  [[nodiscard]] BrokerReads& broker();

  // A handle to one key, or to a struct of several; see handle.hpp. Any thread, before or after the namespace
  // is live; no waiting for the broker. It shows the newest picture at once and then moves with every step.
  // `told` runs when get() changed, while a copy of the handle lives. invalid_argument: a malformed name, a
  // namespace that is not followed; overloaded: tens of thousands bound within one step of the background
  // thread.
  template <class T>
  [[nodiscard]] Result<Handle<T>> bind(std::string_view ns, std::string_view key, T otherwise,
                                       std::type_identity_t<OnChange<T>> told = {}) {
    return bind_fields<T>(ns, {whole<T>(key)}, std::move(otherwise), std::move(told));
  }
  [[nodiscard]] Result<Handle<std::string>> bind(std::string_view ns, std::string_view key,
                                                 const char* otherwise, OnChange<std::string> told = {}) {
    return bind(ns, key, std::string(otherwise), std::move(told));
  }
  // Members start as T{} has them: bind_struct<Limits>("risk.limits", {field("max_order",
  // &Limits::max_order)}).
  template <class T>
  [[nodiscard]] Result<Handle<T>> bind_struct(std::string_view ns, std::vector<Field<T>> fields,
                                              OnChange<T> told = {}) {
    return bind_fields<T>(ns, std::move(fields), T{}, std::move(told));
  }

  // Waits until everything followed is live; false when the time is over first. Not on the background thread.
  // milliseconds::max() here and below: for ever.
  [[nodiscard]] bool wait_live(std::chrono::milliseconds at_most) const;
  // Waits until `ns` shows `seq` or a later one; false when the time is over first. Not on the background
  // thread.
  [[nodiscard]] bool wait_seq(std::string_view ns, Seq seq, std::chrono::milliseconds at_most) const;
  // OK when `ns` can be read, from whatever rung; else unavailable, and why. Any thread.
  [[nodiscard]] Result<void> readable(std::string_view ns) const;
  // Waits until every exactly named namespace can be read; when the time is over first, the error of one that
  // cannot. Not on the background thread.
  [[nodiscard]] Result<void> wait_readable(std::chrono::milliseconds at_most) const;
  // Since `ns` was last known to be current: 0 while live; nullopt when nothing of it is shown. Any thread.
  [[nodiscard]] std::optional<std::chrono::milliseconds> age(std::string_view ns) const;
  [[nodiscard]] SubscriberStatus status() const;  // any thread

  // ---- catching up on demand: any thread; they do not wait, the future does ----
  // A Subscriber catches up by itself; these are for who has to be sure. When the future is ready everything
  // committed before the call is shown (but for what a validator keeps back), where the report has no error:
  // a namespace that does not get there within `at_most` has one. Never wait for it on the background thread.
  // Errors of the whole: overloaded with retry_after_ms (called again within SubscriberOptions'
  // full_sync_interval or sync_interval, or too many at once), invalid_argument naming `namespaces` (none, or
  // one that is not followed), unavailable (stopped).
  using SyncFuture = std::future<Result<SyncReport>>;
  // Fresh snapshots of all that is followed, whatever is known. What is shown stays until each is complete
  // and then is replaced (told as a resync, with what differs). Begins up to 250 ms later, by chance: a herd
  // is not to ask at once.
  [[nodiscard]] SyncFuture full_sync(std::chrono::milliseconds at_most = std::chrono::seconds(60));
  // The changes since each seq, and a snapshot only where they are not there any more.
  [[nodiscard]] SyncFuture incremental_sync(std::chrono::milliseconds at_most = std::chrono::seconds(60));
  [[nodiscard]] SyncFuture selective_sync(std::vector<std::string> namespaces,
                                          std::chrono::milliseconds at_most = std::chrono::seconds(60));

  // ---- subscriptions: any thread, callbacks too; none of these waits but unsubscribe() ----
  // Hears of part of what is followed, from now on: whatever is committed after it returned is told.
  // invalid_argument names the field: both ns and subtree, a malformed name or glob, nothing followed there,
  // no callback, a limit out of range, two places to run on. too_large: kSubscriptionsMax there already.
  // unavailable: stopped.
  [[nodiscard]] Result<SubscriptionId> subscribe(Subscription subscription);
  // What waits is dropped. When it returns no callback and no `where` of it runs or will; it waits for one
  // under way. Only inside a callback or hook of this Subscriber (its own or another's) it does not wait: one
  // under way on another thread may then still end. not_found, as for those below.
  [[nodiscard]] Result<void> unsubscribe(SubscriptionId id);
  // Nothing is told until resume(); a callback under way ends. What comes meanwhile waits as the policy says;
  // over the limits it is dropped, and the state told after resume(). Twice is once.
  [[nodiscard]] Result<void> pause(SubscriptionId id);
  // Also when it is not paused: catch_up does nothing then, jump_to_latest drops what waits.
  [[nodiscard]] Result<void> resume(SubscriptionId id, Resume how);
  [[nodiscard]] std::vector<SubscriptionStatus> subscriptions() const;  // by id

  // Waits for the background thread, which ends within a second whatever the broker does, and for callbacks
  // under way. What waits in queues is dropped. The last picture stays readable, as `stale`.
  void stop();

 private:
  class Impl;
  explicit Subscriber(std::unique_ptr<Impl> impl);
  template <class T>
  Result<Handle<T>> bind_fields(std::string_view ns, std::vector<Field<T>> fields, T otherwise,
                                OnChange<T> told) {
    auto cell = std::make_shared<ValueCell<T>>(ns, std::move(fields), std::move(otherwise), std::move(told),
                                               memory_of_handles());
    if (auto attached = attach(cell); !attached) return tl::unexpected<Error>(attached.error());
    return Handle<T>(std::move(cell));
  }
  [[nodiscard]] Result<void> attach(const std::shared_ptr<BoundCell>& cell);
  [[nodiscard]] const std::shared_ptr<Reclaimer>& memory_of_handles() const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
