// Whether retention may trim now. A backup closes the gate before it takes its views and opens it when it has
// ended, so that the journal records it still has to copy stay there; retention asks before each step. One
// step that was under way when the gate closed may still commit: the backup notices and begins anew.
#pragma once

#include <atomic>

namespace prismbus {

class TrimGate {
 public:
  void close() { closed_.store(true, std::memory_order_release); }  // backup's thread
  void open() { closed_.store(false, std::memory_order_release); }
  [[nodiscard]] bool closed() const { return closed_.load(std::memory_order_acquire); }  // any thread

 private:
  std::atomic<bool> closed_{false};
};

}  // namespace prismbus
