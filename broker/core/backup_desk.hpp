// The `backup` request: who may, one at a time, and the answer when the file is synced. The work is the
// backup agent's, on its own thread. Bus thread.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "broker/core/asked.hpp"
#include "broker/core/in_flight.hpp"
#include "broker/core/replier.hpp"
#include "broker/store/backup_agent.hpp"

namespace prismbus {

// Both null: this broker makes no backups.
struct BackupQueues {
  BoundedQueue<BackupOrder>* orders = nullptr;
  BoundedQueue<BackupOutcome>* outcomes = nullptr;
};

class BackupDesk {
 public:
  BackupDesk(BackupQueues queues, InFlight& in_flight, Replier& replier)
      : queues_(queues), in_flight_(in_flight), replier_(replier) {}

  // Of an admin. Answered now: unsupported (no --backup-dir), overloaded (one is under way). Later: the
  // file, or why there is none.
  void ask(const Asked& asked, const BackupRequest& request);
  std::size_t take_outcome();  // answers the one that ended; returns how many
  void give_up();              // the broker is stopping: ends what is under way, which is then answered
  [[nodiscard]] bool running() const { return asker_.has_value(); }

 private:
  struct Asker {
    ReplyTo to;
    MessageId id;
    InFlight::Place place;
  };
  const BackupQueues queues_;
  InFlight& in_flight_;
  Replier& replier_;
  std::optional<Asker> asker_;  // of the backup under way
  std::vector<BackupOutcome> ended_;
};

}  // namespace prismbus
