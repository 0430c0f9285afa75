// The hallway. A request enters, is authorised, is validated, is sequenced, is made durable, is applied, is
// published, and is answered: in that order, through this one door. Owned by the bus thread; its outputs are
// the ports. Keeps I1, I2, I3, I7, I9. No sockets, no files, no clock of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "broker/core/audit_desk.hpp"
#include "broker/core/backup_desk.hpp"
#include "broker/core/bus_pulse.hpp"
#include "broker/core/live_tap.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/sequencer.hpp"
#include "broker/core/settings.hpp"
#include "broker/store/agents.hpp"
#include "broker/store/store.hpp"
#include "proto/base/clock.hpp"
#include "proto/base/log.hpp"

namespace prismbus {

struct ReadJob;
struct ReadDone;

// The queues between the bus and its agents; owned by the composition, which outlives everybody on them.
struct PipelineQueues {
  BoundedQueue<JournalBatch>& to_fold;
  BoundedQueue<FoldOutcome>& from_fold;
  BoundedQueue<Revision>& to_trim;
  BoundedQueue<ReadJob>& to_reader;
  BoundedQueue<ReadDone>& from_reader;
  BackupQueues backup{};                        // null: no backups are made here
  AuditQueues audit{};                          // null: no audit file is kept here
  BoundedQueue<SpaceReading>* space = nullptr;  // null: nobody looks at the disk, it is never full
  LiveTap* live = nullptr;                      // null: nobody else is told of what is applied
};

// Why the process has to end; none = it does not.
enum class Fatal : std::uint8_t { none, journal, state };

class Pipeline {
 public:
  // `store` gives its tail away here; it, the sequencer and the ports outlive the pipeline. fatal() tells
  // when rules or sessions in it cannot be read: then nobody is to be served.
  Pipeline(PipelineSettings settings, Store& store, Sequencer& sequencer, PipelineQueues queues,
           ReplySink& replies, Feed& feed, Authoriser& authoriser, LogSink log);
  ~Pipeline();

  // One request payload; lent for the call. Every path ends in exactly one reply, now or later.
  void on_request(const ReplyTo& from, std::string_view payload, Now now);
  // Not exactly one payload frame after the empty one: answered invalid_argument with id 0.
  void on_malformed(const ReplyTo& from, std::string_view why, Now now);
  // That connection is gone; nothing of it will come any more.
  void on_gone(ConnectionId connection, Now now);
  // What an XPUB handed up: 0x01 or 0x00 and the topic. Only a barrier subscription is answered; the rest is
  // ignored.
  void on_subscription(Lane lane, std::string_view handed_up);

  // Journal and fold outcomes, finished reads, timers: a bounded amount of work. Returns how much it did; 0 =
  // idle.
  std::size_t step(Now now);
  // Hands the gathered batch to the journal if that is idle; call after a round of on_request.
  void flush(Now now);
  // When step() has something to do although nothing arrives.
  [[nodiscard]] Steady next_deadline(Now now) const;

  // In force for every request after it.
  void reconfigure(const LiveSettings& settings);

  // From now on writes and new reads are `unavailable`; what is in flight ends. drained() = nothing is in
  // flight.
  void drain();
  [[nodiscard]] bool drained() const;
  void tell(BusPulse& pulse, Now now) const;  // of this step: whether writes are taken, whether it drains
  [[nodiscard]] Fatal fatal() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prismbus
