// What the tries of a view hold: entries of a namespace, and namespaces. Immutable once in a trie.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/base/hash.hpp"
#include "proto/base/strong.hpp"
#include "subscriber/view/hamt.hpp"
#include "subscriber/view/sync_report.hpp"
#include "subscriber/view/validator.hpp"
#include "subscriber/view/view.hpp"

namespace prismbus {

// One block: this header, then the key, then the value.
struct EntryLeaf {
  std::uint64_t hash = 0;  // XXH3-64 of the key
  Revision rev;
  std::uint64_t version = 0;
  Wall time{};
  std::uint32_t key_size = 0, value_size = 0;

  [[nodiscard]] std::string_view key() const { return {bytes(), key_size}; }
  [[nodiscard]] std::string_view value() const { return {bytes() + key_size, value_size}; }
  [[nodiscard]] ValueView view() const { return {value(), rev, version, time}; }

  [[nodiscard]] static const EntryLeaf* make(std::string_view key, std::string_view value, Revision rev,
                                             std::uint64_t version, Wall time);
  static void release(const void* leaf);

 private:
  [[nodiscard]] const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
};

// What readers see of a key whose newest change they are not shown (rejected_changes).
struct KeptLeaf {
  std::uint64_t hash = 0;            // XXH3-64 of the key
  const EntryLeaf* shown = nullptr;  // owned; null = readers see no such key
  std::string name;                  // the key

  [[nodiscard]] std::string_view key() const { return name; }
  static void release(const void* leaf) {
    const auto* kept = static_cast<const KeptLeaf*>(leaf);
    if (kept->shown != nullptr) EntryLeaf::release(kept->shown);
    delete kept;
  }
};

// How one namespace stood at one moment. Its entries' nodes are freed by who replaced them, not with this
// leaf.
struct NamespaceLeaf {
  std::uint64_t hash = 0;  // XXH3-64 of the name
  std::shared_ptr<const std::string> name;
  bool shown = false;       // there is something to see
  bool refused = false;     // too old by its rule: readers do not see it
  bool denied = false;      // the broker said that this subscriber has no such namespace
  Hamt<EntryLeaf> entries;  // the broker's content; what readers see: shown_entries
  Hamt<KeptLeaf> kept;      // ... which differs from it here
  std::shared_ptr<const std::vector<RejectedChange>> rejected;  // the latest that stand; may be null
  Seq seq;
  Revision rev;
  Wall time{};  // of the set with that seq
  Epoch epoch;  // the history that seq belongs to
  std::uint64_t content_hash = 0;
  Rung rung = Rung::memory;
  NamespaceState state = NamespaceState::joining;
  Steady current_at{};  // not live: when it was last
  std::uint64_t resyncs = 0;
  std::uint64_t events = 0, bytes = 0;     // told; received: keys and values
  std::uint64_t behind = 0;                // sets known of and not shown yet
  std::chrono::microseconds latency{};     // of the last set that the stream brought
  std::shared_ptr<const std::string> why;  // may be null

  [[nodiscard]] std::string_view key() const { return *name; }
  [[nodiscard]] std::chrono::milliseconds age(Steady now) const {
    if (state == NamespaceState::live || current_at == Steady{}) return {};
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - current_at);
  }
  static void release(const void* leaf) { delete static_cast<const NamespaceLeaf*>(leaf); }
};

// Everything a View sees.
struct ViewRoot {
  Epoch epoch;
  bool all_live = false;                      // everything followed is live
  bool connected = false;                     // a broker answered `hello` and every lane's barrier came
  std::shared_ptr<const std::string> broker;  // its request endpoint; null before the first
  Hamt<NamespaceLeaf> namespaces;
  SyncMetrics metrics = {};
  std::shared_ptr<const std::vector<SyncRecord>> history = {};  // null: none yet
  std::shared_ptr<const Error> refused = {};                    // why `hello` is refused; null: it is not

  // Also what is not shown, or refused; null when nothing is known of it.
  [[nodiscard]] const NamespaceLeaf* find(std::string_view ns) const {
    return namespaces.find(xxh3_64(ns), ns);
  }
  static void release(const void* root) { delete static_cast<const ViewRoot*>(root); }
};

}  // namespace prismbus
