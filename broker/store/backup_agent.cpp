#include "broker/store/backup_agent.hpp"

#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

// One step of retention may have been under way when the gate closed; a second one cannot.
constexpr unsigned kAttempts = 3;

}  // namespace

BackupAgent::BackupAgent(const Store& store, BackupSettings settings, TrimGate& gate,
                         BoundedQueue<BackupOrder>& in, BoundedQueue<BackupOutcome>& out)
    : store_(store), settings_(std::move(settings)), gate_(gate), in_(in), out_(out) {}

BackupAgent::~BackupAgent() = default;

std::size_t BackupAgent::step(Now now) {
  orders_.clear();
  const std::size_t taken = in_.drain(orders_);
  for (const BackupOrder& order : orders_) take(order, now);
  if (run_ == nullptr) return taken;
  advance(now);
  return taken + 1;
}

void BackupAgent::take(const BackupOrder& order, Now now) {
  if (order.name) {
    PRISMBUS_ASSERT(run_ == nullptr, "the bus orders one backup at a time");
    name_ = *order.name;
    attempts_ = 0;
    gate_.close();
    begin(now);
  } else if (run_ != nullptr) {
    tell(fail(ErrorCode::unavailable, "the broker is stopping: the backup was given up"));
  }
}

void BackupAgent::begin(Now now) {
  ++attempts_;
  auto begun = BackupRun::begin(store_.journal, store_.state, settings_, name_, now.wall);
  begun ? void(run_ = std::move(*begun)) : tell(unexpected<Error>(begun.error()));
}

void BackupAgent::advance(Now now) {
  auto step = run_->step();
  if (step && !*step) return;
  if (step) return tell(std::move(**step));
  if (step.error().code == ErrorCode::compacted && attempts_ < kAttempts) {
    run_.reset();
    return begin(now);
  }
  tell(unexpected<Error>(step.error()));
}

void BackupAgent::tell(BackupOutcome outcome) {
  run_.reset();
  gate_.open();
  const bool told = out_.try_push(std::move(outcome));
  PRISMBUS_ASSERT(told, "as many outcomes fit as backups are ordered");
}

}  // namespace prismbus
