// The agent that makes backups: one at a time, a piece a step, on a thread that serves nobody, so that writes
// and reads go on under it. Speaks with the bus by two queues; keeps retention's gate closed while it runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/store/backup_run.hpp"
#include "broker/store/store.hpp"
#include "broker/store/trim_gate.hpp"
#include "proto/base/bounded_queue.hpp"

namespace prismbus {

// A backup to make; without a name: give up the one under way, nobody waits for it any more.
struct BackupOrder {
  std::optional<std::string> name;
};
using BackupOutcome = Result<BackupDone>;  // errors: BackupRun's, and unavailable (given up)

class BackupAgent {
 public:
  BackupAgent(const Store& store, BackupSettings settings, TrimGate& gate, BoundedQueue<BackupOrder>& in,
              BoundedQueue<BackupOutcome>& out);
  ~BackupAgent();

  // Takes orders and streams one piece; returns how much it did, 0 = idle. The bus orders one backup at a
  // time.
  std::size_t step(Now now);

 private:
  void take(const BackupOrder& order, Now now);
  void begin(Now now);
  void advance(Now now);
  void tell(BackupOutcome outcome);

  const Store& store_;
  const BackupSettings settings_;
  TrimGate& gate_;
  BoundedQueue<BackupOrder>& in_;
  BoundedQueue<BackupOutcome>& out_;
  std::vector<BackupOrder> orders_;
  std::string name_;                // of the backup under way
  std::unique_ptr<BackupRun> run_;  // null = none
  unsigned attempts_ = 0;
};

}  // namespace prismbus
