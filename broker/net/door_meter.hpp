// What the request door tells the watch of its connections, which runs on another thread: the bytes it took
// of each, and how often it ran dry. Counters only, each written by the bus thread alone; nobody waits for
// anybody.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace prismbus {

class DoorMeter {
 public:
  static constexpr int kDescriptorsMax = 1 << 20;  // of larger numbers nothing is told: they are not watched

  DoorMeter() : blocks_(kDescriptorsMax / kBlock) {}
  ~DoorMeter();
  DoorMeter(const DoorMeter&) = delete;
  DoorMeter& operator=(const DoorMeter&) = delete;

  [[nodiscard]] static bool covers(int fd) { return fd >= 0 && fd < kDescriptorsMax; }

  // ---- the bus thread
  void meet(int fd, std::uint64_t inode);  // the first message of the connection behind `fd` was taken
  // All that was taken of it so far. One whose descriptor has passed to another connection tells no more.
  void took(int fd, std::uint64_t inode, std::uint64_t bytes);
  void count_message() { bump(messages_); }
  void count_dry() { bump(dry_); }  // no complete message of anybody was left at that moment
  void set_connections(std::size_t n) { connections_.store(n, std::memory_order_relaxed); }

  // ---- any thread
  // 0 when the door has not met it yet.
  [[nodiscard]] std::uint64_t taken(int fd, std::uint64_t inode) const;
  [[nodiscard]] std::uint64_t messages() const { return messages_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t dry() const { return dry_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::atomic<std::uint64_t> inode = 0, bytes = 0;
  };
  static constexpr std::size_t kBlock = 1024;  // slots are made as descriptors are used
  struct Block {
    Slot slots[kBlock];
  };
  static void bump(std::atomic<std::uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  [[nodiscard]] Slot* slot(int fd) const;

  std::vector<std::atomic<Block*>> blocks_;
  std::atomic<std::uint64_t> messages_ = 0, dry_ = 0;
  std::atomic<std::size_t> connections_ = 0;
};

}  // namespace prismbus
