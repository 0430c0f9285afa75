#include "publisher/key_order.hpp"

#include <utility>

namespace prismbus {

bool KeyOrder::enter(Ordered& write) {
  for (const std::uint64_t key : write.order_keys) {
    const auto [there, fresh] = last_.try_emplace(key, &write);
    if (fresh) continue;
    there->second->followers.push_back(&write);
    ++write.blocked;
    there->second = &write;
  }
  return write.blocked == 0;
}

void KeyOrder::leave(Ordered& write, std::vector<Ordered*>& freed) {
  for (const std::uint64_t key : write.order_keys) {
    const auto there = last_.find(key);
    if (there != last_.end() && there->second == &write) last_.erase(there);
  }
  for (Ordered* follower : std::exchange(write.followers, {})) {
    if (--follower->blocked == 0) freed.push_back(follower);
  }
}

}  // namespace prismbus
