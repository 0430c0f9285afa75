// The whole broker in one thread: pipeline, local sequencer, journal, fold, reader and backup agents over a
// real store, each stepped by hand, with the caller's clock, sockets and disk faults. Destroying it is a
// crash: what is in its queues is gone.
#pragma once

#include <memory>
#include <string>

#include "broker/core/pipeline.hpp"
#include "broker/core/reader_agent.hpp"
#include "broker/sequencer/local.hpp"
#include "broker/store/agents.hpp"
#include "broker/store/backup_agent.hpp"
#include "broker/store/store.hpp"

namespace prismbus::model {

// A disk that can be full, broken, or fail while it writes the page that makes a commit visible.
class FakeDisk final : public lmdb::DiskFaults {
 public:
  enum class Mood : std::uint8_t { sound, full, full_at_commit, broken, unknown };
  int at(Point point) override;
  Mood mood = Mood::sound;
  std::uint64_t hits = 0;  // how often it answered a fault
};

struct FakeBrokerSettings {
  std::string dir;
  PipelineSettings pipeline;
  FoldSettings fold;
  BackupSettings backup;
  std::size_t read_queue = 4096;
  std::size_t map_bytes = std::size_t{32} << 20;
  LiveTap* live = nullptr;  // null: nobody taps it
};

class FakeBroker {
 public:
  // All outlive it. `who_asks`: null = no security.
  FakeBroker(const FakeBrokerSettings& settings, FakeDisk& journal_disk, FakeDisk& state_disk,
             ReplySink& replies, Feed& feed, Authoriser* who_asks = nullptr);
  ~FakeBroker();

  Store store;
  BoundedQueue<JournalBatch> to_journal{1, nullptr};
  BoundedQueue<JournalOutcome> from_journal{1, nullptr};
  BoundedQueue<JournalBatch> to_fold;
  BoundedQueue<FoldOutcome> from_fold{2, nullptr};
  BoundedQueue<Revision> to_trim{2, nullptr};
  TrimGate trim_gate;
  BoundedQueue<ReadJob> to_reader;
  BoundedQueue<ReadDone> from_reader;
  BoundedQueue<BackupOrder> to_backup{2, nullptr};
  BoundedQueue<BackupOutcome> from_backup{2, nullptr};
  JournalAgent journal;
  FoldAgent fold;
  ReaderAgent reader;
  BackupAgent backup;
  LocalSequencer sequencer;
  OpenAuthoriser everybody;
  Pipeline pipeline;
};

}  // namespace prismbus::model
