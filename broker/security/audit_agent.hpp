// The audit file's agent: appends what the bus tells, syncs before it says that a line of an administrator's
// operation stands there, and at least each second. Stepped by the journal thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/core/audit_desk.hpp"
#include "broker/security/audit_file.hpp"

namespace prismbus {

class AuditAgent {
 public:
  static constexpr std::chrono::seconds kSyncEvery{1};

  // Both queues outlive this; as many outcomes fit as operations are held.
  AuditAgent(AuditFile file, BoundedQueue<AuditOrder>& in, BoundedQueue<AuditOutcome>& out, LogSink log);

  // The broker serves from now on: so the file says, or nothing of it is done. Before the threads run.
  [[nodiscard]] Result<void> begin(Now now);
  std::size_t step(Now now);  // returns how many orders it wrote; blocks for the disk
  void end(Now now);          // writes what is left, and that it ends

  [[nodiscard]] const AuditChain& chain() const { return file_.chain(); }

 private:
  [[nodiscard]] Result<void> write(const std::vector<AuditEntry>& entries, bool synced, Now now);

  AuditFile file_;
  BoundedQueue<AuditOrder>& in_;
  BoundedQueue<AuditOutcome>& out_;
  const LogSink log_;
  std::vector<AuditOrder> orders_;  // reused
  std::uint64_t lost_ = 0;          // lines that could not be written, told by the next one that can
  bool dirty_ = false, failing_ = false;
  Steady sync_at_{};
};

}  // namespace prismbus
