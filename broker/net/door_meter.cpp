#include "broker/net/door_meter.hpp"

namespace prismbus {

DoorMeter::~DoorMeter() {
  for (const auto& block : blocks_) delete block.load(std::memory_order_relaxed);
}

DoorMeter::Slot* DoorMeter::slot(int fd) const {
  if (!covers(fd)) return nullptr;
  const auto number = static_cast<std::size_t>(fd);
  Block* const block = blocks_[number / kBlock].load(std::memory_order_acquire);
  return block == nullptr ? nullptr : &block->slots[number % kBlock];
}

void DoorMeter::meet(int fd, std::uint64_t inode) {
  if (!covers(fd)) return;
  if (slot(fd) == nullptr) {
    blocks_[static_cast<std::size_t>(fd) / kBlock].store(new Block, std::memory_order_release);
  }
  // A reader in between sees the former connection with no bytes taken; before it cuts, it compares inodes.
  Slot& mine = *slot(fd);
  mine.bytes.store(0, std::memory_order_relaxed);
  mine.inode.store(inode, std::memory_order_release);
}

void DoorMeter::took(int fd, std::uint64_t inode, std::uint64_t bytes) {
  Slot* const mine = slot(fd);
  if (mine == nullptr || mine->inode.load(std::memory_order_relaxed) != inode) return;
  mine->bytes.store(bytes, std::memory_order_release);
}

std::uint64_t DoorMeter::taken(int fd, std::uint64_t inode) const {
  const Slot* const mine = slot(fd);
  if (mine == nullptr || mine->inode.load(std::memory_order_acquire) != inode) return 0;
  return mine->bytes.load(std::memory_order_acquire);
}

}  // namespace prismbus
