#include "broker/core/write_room.hpp"

namespace prismbus {
namespace {

constexpr std::uint64_t kComeBackAfterMs = 50;  // a fold makes room every few hundred

}  // namespace

WriteRoom::WriteRoom(LiveSettings bounds, const Sequencer& sequencer, const Pending& pending,
                     const Recent& recent)
    : bounds_(bounds), sequencer_(sequencer), pending_(pending), recent_(recent) {}

Result<void> WriteRoom::admit(const WriteIntent& intent) const {
  if (auto room = sequencer_.admit(intent.bytes()); !room) return room;
  if (recent_.changes() + pending_.changes() + intent.items.size() > bounds_.recent_changes_max ||
      recent_.bytes() + pending_.bytes() + intent.bytes() > bounds_.recent_bytes_max) {
    return tl::unexpected(overloaded("writes come faster than they are folded", kComeBackAfterMs));
  }
  return {};
}

}  // namespace prismbus
