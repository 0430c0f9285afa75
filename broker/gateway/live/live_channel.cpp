#include "broker/gateway/live/live_channel.hpp"

#include <utility>

namespace prismbus {

// Behind rules that found no place nothing may be judged by older ones.
bool LiveChannel::has_room() {
  if (unsent_) on_rules(std::exchange(unsent_, nullptr));
  return !unsent_ && events_.size() < kEventsMax;
}

void LiveChannel::on_applied(const TransactionPtr& txn) {
  const bool has_place = has_room();
  if (!open_.load(std::memory_order_acquire)) return;
  const std::size_t bytes = txn->memory_bytes();
  const bool room = has_place && bytes_.load(std::memory_order_relaxed) + bytes <= kBytesMax;
  if (room) bytes_.fetch_add(bytes, std::memory_order_relaxed);
  LiveEvent event{.txn = txn};
  if (room && events_.try_push(std::move(event))) return;
  if (room) bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  left_out_.store(txn->rev.value(), std::memory_order_release);
  // What is in the queue may have been fetched just before: then nothing else would tell of this one.
  if (waker_ != nullptr) waker_->wake();
}

void LiveChannel::on_rules(const AccessRulesPtr& rules) {
  LiveEvent event{.rules = rules};
  if (!events_.try_push(std::move(event))) unsent_ = rules;
}

void LiveChannel::on_notice(Notice notice) {
  const bool room = has_room();
  if (!hears_notices_.load(std::memory_order_acquire)) return;
  LiveEvent event{.notice = std::make_unique<const Notice>(std::move(notice))};
  if (!room || !events_.try_push(std::move(event))) missed_notices_.fetch_add(1);
}

Revision LiveChannel::fetch(std::vector<LiveEvent>& out) {
  // In this order: what is left out afterwards comes with the next call.
  const Revision left_out(left_out_.load(std::memory_order_acquire));
  out.clear();
  events_.drain(out);
  std::size_t bytes = 0;
  for (const LiveEvent& event : out) {
    if (event.txn) bytes += event.txn->memory_bytes();
  }
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return left_out;
}

}  // namespace prismbus
