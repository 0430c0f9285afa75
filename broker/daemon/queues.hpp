// The queues between the broker's threads, but for those of security (secured.hpp): how much fits, and whom
// each wakes. They are named as the bus sees them; to_bus, to_retention and to_admission come from the
// supervisor. Owned by the composition, which outlives the threads.
#pragma once

#include <cstddef>
#include <vector>

#include "broker/core/reader_agent.hpp"
#include "broker/core/settings.hpp"
#include "broker/daemon/settings.hpp"
#include "broker/daemon/threads.hpp"
#include "broker/gateway/gateway.hpp"
#include "broker/net/connection_watch.hpp"
#include "broker/store/agents.hpp"
#include "broker/store/backup_agent.hpp"
#include "broker/store/space.hpp"
#include "proto/base/bounded_queue.hpp"

namespace prismbus {

struct Queues {
  static constexpr std::size_t kJournalBatches = 4;  // one is with the journal, one may be a probe
  // To the fold, besides a batch for each change of `recent`, which may pass its limit by what is pending.
  static constexpr std::size_t kBeyondRecent = 1u << 20;
  static constexpr std::size_t kFoldOutcomes = 16;
  static constexpr std::size_t kFloors = 4;   // the newest one counts; what finds no room is sent later
  static constexpr std::size_t kReads = 64;   // with the reader at once; who waits for a turn is with the bus
  static constexpr std::size_t kReloads = 4;  // settings read anew that were not taken yet
  static constexpr std::size_t kBackupOrders = 2;  // one backup, and the word to give it up
  static constexpr std::size_t kSpaceReadings = 4;

  Queues(const Settings& settings, Wakers& wakers)
      : to_journal(kJournalBatches, &wakers.journal),
        from_journal(kJournalBatches, &wakers.bus),
        to_fold(settings.recent_changes_max + kBeyondRecent, &wakers.fold),
        from_fold(kFoldOutcomes, &wakers.bus),
        to_trim(kFloors, &wakers.journal),
        to_reader(kReads, &wakers.reader),
        from_reader(kReads, &wakers.bus),
        to_bus(kReloads, &wakers.bus),
        to_retention(kReloads, &wakers.fold),
        to_admission(kReloads, &wakers.admission),
        to_backup(kBackupOrders, &wakers.care),
        from_backup(kBackupOrders, &wakers.bus),
        to_bus_from_gateway(Gateway::queue_capacity(settings.gateway_connections_max), &wakers.bus),
        to_gateway(Gateway::queue_capacity(settings.gateway_connections_max), &wakers.gateway),
        live(&wakers.gateway),
        space(kSpaceReadings, nullptr),  // the bus looks at it whenever it steps
        ended(1, &wakers.supervisor) {}

  BoundedQueue<JournalBatch> to_journal;
  BoundedQueue<JournalOutcome> from_journal;
  BoundedQueue<JournalBatch> to_fold;
  BoundedQueue<FoldOutcome> from_fold;
  BoundedQueue<Revision> to_trim;
  BoundedQueue<ReadJob> to_reader;
  BoundedQueue<ReadDone> from_reader;
  BoundedQueue<LiveSettings> to_bus;
  BoundedQueue<RetentionSettings> to_retention;
  BoundedQueue<ConnectionLimits> to_admission;
  BoundedQueue<BackupOrder> to_backup;
  BoundedQueue<BackupOutcome> from_backup;
  BoundedQueue<GatewayRequest> to_bus_from_gateway;
  BoundedQueue<GatewayReply> to_gateway;
  LiveChannel live;
  BoundedQueue<SpaceReading> space;
  BoundedQueue<BusEnd> ended;
};

}  // namespace prismbus
