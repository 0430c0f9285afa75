// What the broker tells of itself: `hello` and `status`; proto/PROTOCOL.md documents each field. Reads
// everybody's counters, changes nothing. Bus thread.
#pragma once

#include <cstdint>
#include <string>

#include "broker/core/ack_desk.hpp"
#include "broker/core/asked.hpp"
#include "broker/core/backup_desk.hpp"
#include "broker/core/change_stream.hpp"
#include "broker/core/followers.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/parking.hpp"
#include "broker/core/pending.hpp"
#include "broker/core/read_desk.hpp"
#include "broker/core/recent_feed.hpp"
#include "broker/core/replier.hpp"
#include "broker/core/sequencer.hpp"
#include "broker/core/sessions.hpp"
#include "broker/core/write_room.hpp"

namespace prismbus {

[[nodiscard]] HelloReply hello_of(const PipelineSettings& settings, const Principal& principal,
                                  std::chrono::milliseconds heartbeat, std::chrono::milliseconds ack);

struct StatusCounters {
  Steady started{};  // the first step; the epoch of the clock before it
  std::uint64_t writes = 0;
};

// Whom `status` asks.
struct StatusSources {
  const StatusCounters& counters;
  const PipelineSettings& settings;
  const Sequencer& sequencer;
  const WriteRoom& room;
  const BackupDesk& backups;
  const Recent& recent;
  const RecentFeed& fold;
  const Pending& pending;
  const Parking& parking;
  const Sessions& sessions;
  const ChangeStream& stream;
  Replier& replier;
  const ReadDesk& reads;
  const AckDesk& acks;
  const Followers& followers;
  const InFlight& in_flight;
  const ReplySink& door;
  const Authoriser& authoriser;
};
// Figures for who administers; everybody else is told which broker it is and whether it takes writes.
void answer_status(const Asked& asked, const StatusSources& ask);

}  // namespace prismbus
