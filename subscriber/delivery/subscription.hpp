// What an application says and hears when it subscribes to a part of what a Subscriber follows. Plain data.
//
// What is promised of every subscription, whatever its policy:
//  - In a namespace events come by ascending seq (of one history; after another one begins, told with
//    `resync` set, seq begins anew), one callback at a time, after view() shows what they tell.
//  - Applying what was told (added, changed: set; deleted: erase; resync: clear) to a map gives, once all is
//    delivered, what the view holds of the subscribed keys. A hole is never hidden (I6): what could not be
//    told is replaced by one `resync` event and the present state as `added` events; while a namespace is
//    refused as too old (staleness.hpp) its state waits.
//  - Memory is bounded by queue_length_max and queue_bytes_max, also while paused for ever. A state is read
//    out of the view piece by piece as the queue gets room, never copied whole.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/strong.hpp"
#include "subscriber/view/view.hpp"

namespace prismbus {

using SubscriptionId = Strong<struct SubscriptionIdTag>;  // never used twice by one Subscriber

// One thing told. Lent for the callback.
struct SubscriptionEvent {
  enum class Kind : std::uint8_t {
    added,
    changed,
    deleted,
    namespace_changed,
    state_changed,
    grew_stale,
    resync
  };
  Kind kind = Kind::added;
  std::string_view ns, key;  // resync: both empty, it is about the whole subscription
  // added, changed, deleted: the value before and after, where the key existed. With `where` a key that
  // comes to satisfy it is `added`, one that ceases to is `deleted`, though it existed before or exists
  // after.
  std::optional<ValueView> before, after;
  Seq seq;              // of the change set; where the state is told, the namespace's when it was read
  Revision rev;         // likewise
  Wall time{};          // of the change set; where the state is told, of the value
  std::string_view by;  // who wrote it; empty where the state is told
  std::optional<std::string_view> note;
  std::size_t changes = 0;  // namespace_changed: changes of its set, or of all sets it stands for
  bool resync = false;      // found by comparing pictures, or state told after a `resync` event
  NamespaceState state_before = NamespaceState::joining, state_after = NamespaceState::joining;
  std::chrono::milliseconds age{};  // grew_stale
  bool refused = false;             // grew_stale: reads give nothing
  std::string_view why;             // resync, state_changed, grew_stale: the reason; may be empty
};
[[nodiscard]] std::string_view name_of(SubscriptionEvent::Kind kind);

// Which kinds are told. `resync` always is.
struct Operations {
  bool added = true, changed = true, deleted = true;
  bool namespace_changed = false;  // after the changes of a set, and after a namespace's state was told
  bool state_changed = false;      // joining, live, stale ...
  bool grew_stale = false;         // older than its rule allows; once until it is live again
};

// What happens when events come faster than callbacks take them. Whatever it is, the view, the stream and
// other subscriptions go on.
enum class QueuePolicy : std::uint8_t {
  // Every step is told. With queue_length_max events waiting the subscription is blocked: further ones back
  // up at the background thread, up to kBacklogTimes the length and never over queue_bytes_max. When that is
  // full, or the subscription was blocked for `block_at_most` without a break (pauses do not count), it falls
  // back to a resync: a stream that never stops cannot wait for ever for one who does.
  block,
  // One event a key waits: the net change since the last one told (added and then deleted: nothing). Likewise
  // one namespace_changed, one state_changed and one grew_stale a namespace. More keys than queue_length_max:
  // a resync.
  latest_only,
  // Over the limits all that waits is dropped: a resync at once.
  resync,
};
[[nodiscard]] std::string_view name_of(QueuePolicy policy);
inline constexpr std::size_t kBacklogTimes = 16;

// Runs tasks later or at once, on any thread, each once. At most one task of a subscription is with it at a
// time, so a pool keeps its order. Called on the background thread and out of tasks; must not block. A task
// that is run at once within another of its subscription tells nothing: the background thread posts the next
// one. When the executor throws, or destroys a task without running it, the subscription tries again within
// 100 ms. A task that runs after the Subscriber is gone does nothing.
using Executor = std::function<void(std::function<void()> task)>;

struct Subscription {
  std::string name{};                    // for list() and logs only
  std::optional<std::string> ns{};       // exactly this namespace
  std::optional<std::string> subtree{};  // ... or this one and all below; "" = all but the broker's own.
                                         // Neither: all that is followed
  std::string keys = "**";               // glob: `?` `*` within a segment of '/', `**` across, `\` escapes
  Operations operations{};
  // Which values are told of; empty: all. A pure function of the value; runs on the background thread (once
  // or twice an event) and must not block. An exception counts as false, and among the exceptions.
  std::function<bool(const ValueView&)> where{};
  // May call anything of its Subscriber but stop() and its destructor, unsubscribe(itself) included. May
  // block: it delays its own subscription only (but see on_background_thread). An exception is caught,
  // counted and logged.
  std::function<void(const SubscriptionEvent&)> callback{};
  bool initial = false;  // tell what is there now as `added`, then what changes: no hole and no double
  QueuePolicy policy = QueuePolicy::block;
  std::size_t queue_length_max = 10'000;    // events waiting; 1 to 1,000,000
  std::size_t queue_bytes_max = 16u << 20;  // keys, values and bookkeeping of them; one event always fits
  std::chrono::milliseconds block_at_most{10'000};  // 0 to ten years
  // Where callbacks run. Empty: threads of the library, as many as callbacks run at once, at most
  // DeliveryThreads::kThreadsMax (64): with so many blocked, further subscriptions wait.
  Executor executor{};
  // Instead: on the background thread, without a queue and a copy while it is not paused. For short
  // callbacks: while one runs nothing is read and no view is updated.
  bool on_background_thread = false;
};

enum class Resume : std::uint8_t {
  catch_up,        // what waited is told; if it grew over the limits meanwhile, a resync
  jump_to_latest,  // what waited is dropped: a `resync` event, then the present state as `added` events
};

struct SubscriptionStatus {
  SubscriptionId id;
  std::string name, keys;
  std::optional<std::string> ns, subtree;
  QueuePolicy policy = QueuePolicy::block;
  bool paused = false, blocked = false;
  std::uint64_t delivered = 0;          // callbacks that ran, those that threw included
  std::uint64_t conflated = 0;          // events that were merged into a later one, or annulled by it
  std::uint64_t dropped = 0;            // events dropped for a resync or a jump
  std::uint64_t resyncs = 0;            // `resync` events queued, of overflows and jumps
  std::uint64_t exceptions = 0;         // of callback and `where`
  std::uint64_t executor_failures = 0;  // it threw, or destroyed a task
  std::size_t queue_length = 0, queue_bytes = 0;
  std::chrono::nanoseconds callback_time{}, callback_time_max{};
};

}  // namespace prismbus
