#include "publisher/outbox/key_order.hpp"

#include <utility>

#include "proto/base/hash.hpp"

namespace prismbus {

std::uint64_t order_key(std::string_view ns, std::string_view key) {
  return xxh3_64(ns) * 0x9e3779b97f4a7c15ull + xxh3_64(key);
}

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
