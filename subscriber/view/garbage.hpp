// What a step of the writer replaced. Pure; one thread.
#pragma once

#include <utility>
#include <vector>

namespace prismbus {

// Blocks that were replaced and may still be read by somebody.
class Garbage {
 public:
  struct Item {
    const void* block;
    void (*release)(const void*);
  };
  void add(const void* block, void (*release)(const void*)) { items_.push_back({block, release}); }
  [[nodiscard]] std::vector<Item>& items() { return items_; }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  // Only when nobody can read any of it.
  void release_all() {
    for (const Item& item : items_) item.release(item.block);
    items_.clear();
  }

 private:
  std::vector<Item> items_;
};

}  // namespace prismbus
