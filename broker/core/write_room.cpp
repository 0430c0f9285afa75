#include "broker/core/write_room.hpp"

#include <algorithm>

namespace prismbus {
namespace {

constexpr std::uint64_t kComeBackAfterMs = 50;  // a fold makes room every few hundred
constexpr std::size_t kFewInFlight = 64;        // more is a pipeline, and pipelines are what fills the room

}  // namespace

WriteRoom::WriteRoom(LiveSettings bounds, const Sequencer& sequencer, const Pending& pending,
                     const Recent& recent, BoundedQueue<SpaceReading>* readings, const LogSink& log)
    : bounds_(bounds),
      space_(bounds.space),
      readings_(readings),
      log_(log),
      sequencer_(sequencer),
      pending_(pending),
      recent_(recent) {}

void WriteRoom::set_bounds(const LiveSettings& bounds) {
  bounds_ = bounds;
  space_.set(bounds.space);
}

void WriteRoom::look() {
  if (readings_ == nullptr) return;
  taken_.clear();
  if (readings_->drain(taken_) == 0) return;
  for (const SpaceReading& reading : taken_) space_.take(reading);
  if (full() == was_full_) return;
  was_full_ = !was_full_;
  const SpaceReading& last = taken_.back();
  log_(was_full_ ? LogLevel::warn : LogLevel::info,
       LogLine(was_full_ ? "store_full" : "store_has_room")
           .with("used", last.used())
           .with("reusable", last.journal_reusable + last.state_reusable)
           .with("free", last.free)
           .text());
}

SpaceGate::Unfolded WriteRoom::unfolded() const {
  return {recent_.changes() + pending_.changes(), recent_.bytes() + pending_.bytes()};
}

Result<void> WriteRoom::admit(const WriteIntent& intent, std::size_t in_flight) const {
  if (auto room = sequencer_.admit(intent.bytes()); !room) return room;
  const bool deletes_only = std::all_of(intent.items.begin(), intent.items.end(),
                                        [](const auto& item) { return item.op == ChangeOp::del; });
  if (auto room = space_.admit(intent.bytes(), deletes_only, unfolded()); !room) return room;
  const auto share = [in_flight](std::size_t all) { return in_flight > kFewInFlight ? all - all / 8 : all; };
  const SpaceGate::Unfolded held = unfolded();
  if (held.changes + intent.items.size() > share(bounds_.recent_changes_max) ||
      held.bytes + intent.bytes() > share(bounds_.recent_bytes_max)) {
    return tl::unexpected(overloaded("writes come faster than they are folded", kComeBackAfterMs));
  }
  return {};
}

}  // namespace prismbus
