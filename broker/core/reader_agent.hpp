// The reader thread's agent: list, mget, namespaces, snapshot, changes, whatever is about the past, and what
// a rollback changes: all that may take long. Takes a job
// with the snapshot of recent that the bus took for it, reads through one ReadView, gives the finished reply
// back to the bus.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/audit_page.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/rollback_plan.hpp"
#include "broker/core/stream_keys_page.hpp"
#include "broker/core/told_names.hpp"
#include "broker/store/read_view.hpp"
#include "broker/store/store.hpp"
#include "proto/base/bounded_queue.hpp"

namespace prismbus {

struct ReadJob {
  ReplyTo to;
  std::string payload;  // the request as it came; decoded again here, so that what it lends from is its own
  MessageId message;
  Principal principal;  // under the policy of the view it is read by
  KeysMoment keys;      // of the same moment
  RecentSnapshotPtr recent;
  std::unique_ptr<RollbackWork> rollback{};  // set for a rollback: to be gone on with
  InFlight::Place place{};
};

// Since the start.
struct ReaderCounters {
  std::uint64_t snapshots = 0, changes = 0;       // chunks and pages answered
  std::uint64_t chunk_hits = 0, change_hits = 0;  // answered, or read, from memory
  std::uint64_t chunk_misses = 0, change_misses = 0;
  std::uint64_t first_chunks = 0, first_pages = 0;  // of snapshots and changes: each begins one
  std::uint64_t names_compacted = 0;                // whose changes were asked for and are gone
};

struct ReadDone {
  ReplyTo to;
  MessageId message;
  Principal principal;  // who waited: its token may have ended meanwhile
  std::string payload;  // the reply; of a rollback the request, to be judged with its plan
  std::unique_ptr<RollbackWork> rollback;
  InFlight::Place place{};
  RefusedNames refused{};
  ReaderCounters counters{};           // as they were after it
  std::optional<ErrorCode> refusal{};  // that `payload` is
};

struct ReaderSettings {
  bool express = true;                       // whether that lane is bound; if not, no head names it
  std::optional<StreamKey> stream_master{};  // of a sealed stream
  AuditSource* audit = nullptr;              // outlives the agent; null: no audit file is kept here
  std::size_t cached_chunks_bytes_max = 64u << 20, cached_changes_bytes_max = 32u << 20;
};

class ReaderAgent {
 public:
  ReaderAgent(const ReaderSettings& settings, const Store& store, BoundedQueue<ReadJob>& in,
              BoundedQueue<ReadDone>& out);
  ~ReaderAgent();
  std::size_t step();  // answers what is queued; returns how many

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
