// Which handles read which keys. attach() is for any thread; the background thread takes new ones over at its
// next step and renews, in the step of a new picture and from that picture, those whose keys changed (I11).
// Holds the cells weakly: one that no Handle has any more is forgotten.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/base/bounded_queue.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/log.hpp"
#include "proto/wire/error.hpp"
#include "subscriber/sync/follow_set.hpp"
#include "subscriber/sync/sync_update.hpp"
#include "subscriber/view/bound_cell.hpp"
#include "subscriber/view/view_store.hpp"

namespace prismbus {

class Bindings {
 public:
  // `store` and `waker` (may be null: stepped by hand) outlive it.
  Bindings(FollowSet follow, const ViewStore& store, Waker* waker, LogSink log);

  // ---- any thread ----
  // Gives the cell the value of the newest picture, then hands it over. invalid_argument: a malformed name,
  // no key, or a namespace that is not followed; overloaded: too many wait for the background thread.
  [[nodiscard]] Result<void> attach(const std::shared_ptr<BoundCell>& cell);
  [[nodiscard]] const std::shared_ptr<Reclaimer>& memory() const { return memory_; }
  [[nodiscard]] std::uint64_t mismatches() const { return mismatches_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t exceptions() const { return exceptions_.load(std::memory_order_relaxed); }

  // ---- the background thread ----
  // After the picture that `events` tell of was published, before they are told and their leaves released.
  // First every handle shows it, then the hooks are called.
  void refresh(const std::vector<SyncEvent>& events);
  [[nodiscard]] std::size_t held() const { return slots_; }  // (handle, key) pairs kept, forgotten ones too

 private:
  using Slots = std::unordered_multimap<std::uint64_t, std::weak_ptr<BoundCell>>;  // by hash of the key
  struct Bound {
    Slots slots;
    bool behind =
        false;  // a change was left out, for it is refused as too old: all are to be taken after that
  };

  void adopt();
  void mark(const Slots& slots, std::uint64_t key_hash);
  void mark(std::shared_ptr<BoundCell> cell);
  void set_state(Bound& bound, NamespaceState state);
  void take(const ViewRoot& root, BoundCell& cell, Garbage& garbage);
  void tell(BoundCell& cell);
  void forget_unheld();
  void log(LogLevel level, const LogLine& line, std::uint64_t count);

  const FollowSet follow_;
  const ViewStore* store_;
  const LogSink log_;
  const std::shared_ptr<Reclaimer> memory_ = std::make_shared<Reclaimer>();
  BoundedQueue<std::shared_ptr<BoundCell>> new_;
  std::atomic<std::uint64_t> mismatches_{0}, exceptions_{0};

  std::unordered_map<std::string, Bound, BytesHash, std::equal_to<>> namespaces_;
  std::size_t slots_ = 0, forget_at_;
  std::vector<std::shared_ptr<BoundCell>> adopted_, marked_;
  std::vector<std::optional<ValueView>> found_;
};

}  // namespace prismbus
