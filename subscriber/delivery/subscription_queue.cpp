#include "subscriber/delivery/subscription_queue.hpp"

#include <utility>

namespace prismbus {
namespace {

using Kind = SubscriptionEvent::Kind;

// Names hold neither '/' nor control characters, so the four forms never meet.
std::string identity_of(const SubscriptionEvent& event) {
  std::string out(event.ns);
  switch (event.kind) {
    case Kind::resync:
      return {};
    case Kind::namespace_changed:
      return out += '\1';
    case Kind::state_changed:
      return out += '\2';
    case Kind::grew_stale:
      return out += '\3';
    case Kind::added:
    case Kind::changed:
    case Kind::deleted:
      break;
  }
  return (out += '/') += event.key;
}

}  // namespace

void SubscriptionQueue::append(const SubscriptionEvent& event, std::string identity) {
  records_.push_back({SubscriptionRecord(event), std::move(identity)});
  bytes_ += records_.back().record.bytes();
  if (!records_.back().identity.empty()) index_[records_.back().identity] = std::prev(records_.end());
}

bool SubscriptionQueue::conflate(const SubscriptionEvent& event, const std::string& identity) {
  const auto found = index_.find(identity);
  if (found == index_.end()) return false;
  const auto older = found->second;
  const auto net = net_of(older->record.event(), event);
  counters_.conflated += net ? 1 : 2;
  Records kept;
  index_.erase(found);
  kept.splice(kept.begin(), records_, older);  // `net` lends from it
  bytes_ -= kept.front().record.bytes();
  if (net) append(*net, identity);
  return true;
}

bool SubscriptionQueue::push(const SubscriptionEvent& event, Steady now) {
  std::string identity;
  if (limits_.policy == QueuePolicy::latest_only) {
    identity = identity_of(event);
    if (conflate(event, identity)) {
      if (bytes_ <= limits_.bytes_max || records_.size() <= 1) return true;
      restart("more bytes changed than the queue holds");
      return false;
    }
  }
  const bool block = limits_.policy == QueuePolicy::block;
  const std::size_t length_max = block ? limits_.length_max * kBacklogTimes : limits_.length_max;
  const std::size_t bytes = bytes_ + SubscriptionRecord::bytes_of(event);
  if (!records_.empty() && (records_.size() >= length_max || bytes > limits_.bytes_max)) {
    ++counters_.dropped;
    restart("the queue was full");
    return false;
  }
  append(event, std::move(identity));
  if (block && records_.size() > limits_.length_max && !blocked_since_) blocked_since_ = now;
  return true;
}

void SubscriptionQueue::push_state(const SubscriptionEvent& event) {
  std::string identity;
  if (limits_.policy == QueuePolicy::latest_only) {
    identity = identity_of(event);
    if (conflate(event, identity)) return;
  }
  append(event, std::move(identity));
}

bool SubscriptionQueue::room_for(std::size_t bytes) const {
  if (records_.empty()) return true;
  return records_.size() < limits_.length_max && bytes_ + bytes <= limits_.bytes_max;
}

std::optional<SubscriptionRecord> SubscriptionQueue::pop() {
  if (records_.empty()) return std::nullopt;
  SubscriptionRecord record = std::move(records_.front().record);
  bytes_ -= record.bytes();
  if (!records_.front().identity.empty()) index_.erase(records_.front().identity);
  records_.pop_front();
  if (records_.size() <= limits_.length_max) blocked_since_.reset();
  return record;
}

void SubscriptionQueue::restart(std::string_view why) {
  // A `resync` that waits already and was not told stands for this one too.
  const bool waits = !records_.empty() && records_.front().record.event().kind == Kind::resync;
  counters_.dropped += records_.size() - (waits ? 1 : 0);
  counters_.resyncs += waits ? 0 : 1;
  clear();
  SubscriptionEvent event;
  event.kind = Kind::resync;
  event.resync = true;
  event.why = why;
  append(event, {});
}

void SubscriptionQueue::clear() {
  index_.clear();
  records_.clear();
  bytes_ = 0;
  blocked_since_.reset();
}

bool SubscriptionQueue::blocked_too_long(Steady now) const {
  return blocked_since_ && now - *blocked_since_ >= limits_.block_at_most;
}

void SubscriptionQueue::forgive(Steady now) {
  if (blocked_since_) blocked_since_ = now;
}

}  // namespace prismbus
