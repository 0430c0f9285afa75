#include "broker/security/audit_agent.hpp"

#include <utility>

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

AuditEntry entry_of(std::string_view what, Now now) {
  AuditEntry entry;
  entry.what = what;
  entry.time = now.wall;
  return entry;
}

}  // namespace

AuditAgent::AuditAgent(AuditFile file, BoundedQueue<AuditOrder>& in, BoundedQueue<AuditOutcome>& out,
                       LogSink log)
    : file_(std::move(file)), in_(in), out_(out), log_(std::move(log)) {}

Result<void> AuditAgent::begin(Now now) {
  return write({entry_of("started", now)}, true, now);
}

std::size_t AuditAgent::step(Now now) {
  orders_.clear();
  in_.drain(orders_);
  for (AuditOrder& order : orders_) {
    auto written = write(order.entries, order.ticket != 0, now);
    if (order.ticket == 0) continue;
    AuditOutcome outcome{order.ticket, std::nullopt};
    if (!written) outcome.refused = std::move(written.error());
    const bool told = out_.try_push(std::move(outcome));
    PRISMBUS_ASSERT(told, "as many outcomes fit as operations are held");
  }
  if (dirty_ && now.steady >= sync_at_) {
    dirty_ = false;
    if (auto synced = file_.sync(); !synced)
      log_(LogLevel::error, LogLine("audit_not_synced").with("why", synced.error().message).text());
  }
  return orders_.size();
}

void AuditAgent::end(Now now) {
  step(now);
  // Why it could not is in the log already.
  [[maybe_unused]] const auto written = write({entry_of("stopped", now)}, true, now);
}

// All entries or none. A failure is logged once, until it is over.
Result<void> AuditAgent::write(const std::vector<AuditEntry>& entries, bool synced, Now now) {
  Result<void> done;
  if (lost_ > 0) {
    AuditEntry lost = entry_of("lost", now);
    lost.times = lost_;
    done = file_.append({&lost, 1});
    if (done) lost_ = 0;
  }
  if (done) done = file_.append(entries);
  const bool appended = done.has_value();
  if (done && synced) done = file_.sync();
  if (appended && !synced && !std::exchange(dirty_, true)) sync_at_ = now.steady + kSyncEvery;
  if (!appended && !synced) lost_ += entries.size();
  if (done.has_value() == failing_) {
    failing_ = !failing_;
    log_(failing_ ? LogLevel::error : LogLevel::info,
         failing_ ? LogLine("audit_not_written").with("why", done.error().message).text()
                  : LogLine("audit_written_again").text());
  }
  if (done) return done;
  Error error = done.error();
  error.message = "nothing was done, for the audit file cannot be written";
  if (error.code != ErrorCode::read_only) error.code = ErrorCode::unavailable;
  return tl::unexpected(std::move(error));
}

}  // namespace prismbus
