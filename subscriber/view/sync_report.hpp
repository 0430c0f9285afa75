// What a Subscriber tells of how it catches up: reports of syncs the application asked for, the history of
// the last ones whatever caused them, and figures. Plain data.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/clock.hpp"
#include "proto/base/strong.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

inline constexpr std::size_t kSyncHistory = 64;  // syncs of namespaces that are remembered, the last ones

enum class SyncKind : std::uint8_t { full, incremental, selective };
[[nodiscard]] std::string_view name_of(SyncKind kind);

// By what a namespace was brought up to the broker's head.
enum class SyncHow : std::uint8_t { nothing, changes, snapshot };  // nothing: it was there already
[[nodiscard]] std::string_view name_of(SyncHow how);

// One namespace, once.
struct NamespaceSync {
  std::string ns;
  SyncHow how = SyncHow::nothing;
  Seq before, after;         // shown when it began and when it ended
  std::uint64_t events = 0;  // changes of keys that readers noticed meanwhile, those of the stream included
  std::uint64_t bytes = 0;   // keys and values that the answers brought
  std::chrono::milliseconds took{};
  std::optional<Error> error;  // it did not end: permission_denied, unavailable, timeout
};

struct SyncReport {
  SyncKind kind = SyncKind::incremental;
  Wall began{};
  std::chrono::milliseconds took{};
  std::vector<NamespaceSync> namespaces;  // sorted

  // Everything committed before the call is shown (or kept back by a validator).
  [[nodiscard]] bool complete() const;
};

struct SyncRecord {
  Wall began{};
  std::string why;  // join, gap, check, a ResyncReason, or the call that asked for it
  NamespaceSync sync;
};

// Why a picture that was shown is replaced by a snapshot.
enum class ResyncReason : std::uint8_t {
  content_hash,   // not the broker's at the same seq
  incomplete,     // the broker's changes did not reach its own head
  compacted,      // the changes since its seq are gone
  unknown_seq,    // the broker has not come so far
  other_history,  // another epoch
  asked,          // full_sync()
};
inline constexpr std::size_t kResyncReasons = 6;
[[nodiscard]] std::string_view name_of(ResyncReason reason);

// Since the start, over all namespaces. Bytes are those of keys and values.
struct SyncMetrics {
  std::uint64_t stream_bytes = 0;    // received on the stream, doubles included
  std::uint64_t change_bytes = 0;    // in answers to `changes`
  std::uint64_t snapshot_bytes = 0;  // in snapshots
  std::uint64_t events = 0;          // changes of keys that readers noticed
  std::uint64_t syncs = 0;           // those the history had
  std::uint64_t failures = 0;        // requests that failed and were sent again, or were given up
  std::array<std::uint64_t, kResyncReasons> resyncs{};  // by ResyncReason
  friend bool operator==(const SyncMetrics&, const SyncMetrics&) = default;

  [[nodiscard]] std::uint64_t resyncs_of(ResyncReason reason) const {
    return resyncs[static_cast<std::size_t>(reason)];
  }
};

}  // namespace prismbus
