// What one step of the machine made visible: a new picture, the events that tell of it, and what it replaced.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/wire/messages.hpp"
#include "subscriber/view/hamt.hpp"
#include "subscriber/view/leaves.hpp"
#include "subscriber/view/namespace_copy.hpp"

namespace prismbus {

// Bytes of keys and values.
[[nodiscard]] std::size_t content_bytes(const ChangeSet& set);

// What a change set says besides its changes.
struct SetMeta {
  Seq seq;
  Revision rev;
  Wall time{};
  std::string by;
  std::optional<std::string> note;
  Epoch epoch;
  std::uint64_t hash = 0;  // of the namespace's content after it
};

struct SyncEvent {
  enum class Kind : std::uint8_t { key, moved, state, stale } kind = Kind::key;
  std::shared_ptr<const std::string> ns;
  KeyChange change;                    // key: its leaves live until `garbage` is released
  std::shared_ptr<const SetMeta> set;  // key, moved
  std::size_t changes = 0;             // moved: key events before this one that readers notice
  bool resync = false;                 // key, moved
  NamespaceState before = NamespaceState::joining, after = NamespaceState::joining;  // state
  std::chrono::milliseconds age{};                                                   // stale
  bool refused = false;                                                              // stale
  std::shared_ptr<const std::string> why;  // state, moved, stale; may be null
};

// The taker publishes `root`, tells `events`, then retires `garbage`: nothing in it is reachable from `root`.
struct SyncUpdate {
  const ViewRoot* root = nullptr;  // null = nothing new; else the taker's
  std::vector<SyncEvent> events;
  Garbage garbage;
};

}  // namespace prismbus
