// The reader thread's agent: list, mget, namespaces, snapshot, changes: whatever may take long. Takes a job
// with the snapshot of recent that the bus took for it, reads through one ReadView, gives the finished reply
// back to the bus.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/core/ports.hpp"
#include "broker/store/read_view.hpp"
#include "broker/store/store.hpp"
#include "proto/base/bounded_queue.hpp"

namespace prismbus {

struct ReadJob {
  ReplyTo to;
  std::string payload;  // the request as it came; decoded again here, so that what it lends from is its own
  std::string principal;
  RecentSnapshotPtr recent;
};

struct ReadDone {
  ReplyTo to;
  std::string payload;
};

struct ReaderSettings {
  bool express = true;  // whether that lane is bound; if not, no head names it
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
