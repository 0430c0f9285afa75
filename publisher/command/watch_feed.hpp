// The way from the subscriber's background thread to the command's thread: callbacks gather what belongs to
// one change set and hand it over whole, by value, through a bounded queue. Full is an answer (I8): what did
// not fit is counted and told, and the subscriber is never held up. The callbacks run on the subscriber's
// thread, take() on the command's.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/base/bounded_queue.hpp"
#include "subscriber/subscriber.hpp"

namespace prismbus::command {

struct WatchedChange {
  enum class Kind : std::uint8_t { added, changed, deleted } kind = Kind::added;
  std::string key;
  std::string before,
      after;     // encoded; `before` of changed and deleted (empty: not known), `after` of added and changed
  Revision rev;  // of the entry
  std::uint64_t version = 0;
  Wall time{};
};

// All changes that brought a namespace to `seq`, or what a snapshot changed in it.
struct WatchedSet {
  std::string ns;
  Seq seq;
  Revision rev;
  Wall time{};
  std::string by;  // empty: from a snapshot
  std::optional<std::string> note;
  bool resync = false;
  std::string why;
  std::vector<WatchedChange> changes;
};

struct WatchedState {
  std::string ns;
  NamespaceState state = NamespaceState::joining;
  std::string why;
};

using WatchedItem = std::variant<WatchedSet, WatchedState>;

class WatchFeed {
 public:
  [[nodiscard]] SubscriberCallbacks callbacks();        // this outlives the subscriber they are given to
  [[nodiscard]] int fd() const { return waker_.fd(); }  // readable when there is something to take
  [[nodiscard]] std::vector<WatchedItem> take();
  [[nodiscard]] std::uint64_t take_dropped() {
    return dropped_.exchange(0);
  }  // sets that did not fit, since last asked

 private:
  void gather(WatchedChange::Kind kind, const ChangeEvent& event);
  void finish(const NamespaceEvent& event);
  void push(WatchedItem&& item);

  Waker waker_;
  BoundedQueue<WatchedItem> queue_{4096, &waker_};
  WatchedSet gathered_;  // the background thread's
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace prismbus::command
