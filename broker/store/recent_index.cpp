// Linear probing: a key stands at its hash's place or in the unbroken stretch of used slots behind it.
// Deleting moves later ones of the stretch back, so that no marks of deleted slots pile up.
#include "broker/store/recent_index.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kFirstSlots = 32;

}  // namespace

std::uint64_t RecentIndex::hash_of(std::uint64_t ns_hash, std::string_view key) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;  // 2^64 / golden ratio
  return xxh3_64(key) ^ (ns_hash * kGolden);              // so that a key of two namespaces differs
}

std::size_t RecentIndex::find_slot(const Shard& shard, std::uint64_t hash, std::string_view ns,
                                   std::string_view key) {
  const std::size_t mask = shard.slots.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = shard.slots[at];
    if (slot.change.change == nullptr) return at;
    if (slot.hash == hash && slot.change.change->key == key && slot.change.set->ns == ns) return at;
  }
}

const RecentChange* RecentIndex::find(std::string_view ns, std::string_view key) const {
  const std::uint64_t hash = hash_of(hash_namespace(ns), key);
  const Shard& shard = shards_[hash >> (64 - kShardBits)];
  if (shard.used == 0) return nullptr;
  const Slot& slot = shard.slots[find_slot(shard, hash, ns, key)];
  return slot.change.change == nullptr ? nullptr : &slot.change;
}

void RecentIndex::put(std::uint64_t ns_hash, const RecentChange& change) {
  const std::uint64_t hash = hash_of(ns_hash, change.change->key);
  Shard& shard = shards_[hash >> (64 - kShardBits)];
  if (shard.used * 8 >= shard.slots.size() * 5) grow(shard);
  Slot& slot = shard.slots[find_slot(shard, hash, change.set->ns, change.change->key)];
  if (slot.change.change == nullptr) ++shard.used;
  slot = {hash, change};
}

void RecentIndex::erase(std::uint64_t ns_hash, const StoredChange& change) {
  const std::uint64_t hash = hash_of(ns_hash, change.key);
  Shard& shard = shards_[hash >> (64 - kShardBits)];
  if (shard.used == 0) return;
  // By address: what stands there is not looked into, it may be long out of the cache.
  std::size_t hole = hash & (shard.slots.size() - 1);
  while (shard.slots[hole].change.change != &change) {
    if (shard.slots[hole].change.change == nullptr) return;
    hole = (hole + 1) & (shard.slots.size() - 1);
  }
  const std::size_t mask = shard.slots.size() - 1;
  for (std::size_t at = (hole + 1) & mask; shard.slots[at].change.change != nullptr; at = (at + 1) & mask) {
    // It may move into the hole if its own place is not between the hole and where it stands.
    const std::size_t home = shard.slots[at].hash & mask;
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      shard.slots[hole] = shard.slots[at];
      hole = at;
    }
  }
  shard.slots[hole] = Slot{};
  --shard.used;
}

void RecentIndex::grow(Shard& shard) {
  std::vector<Slot> old(shard.slots.empty() ? kFirstSlots : shard.slots.size() * 2);
  old.swap(shard.slots);
  const std::size_t mask = shard.slots.size() - 1;
  for (const Slot& slot : old) {
    if (slot.change.change == nullptr) continue;
    std::size_t at = slot.hash & mask;
    while (shard.slots[at].change.change != nullptr) at = (at + 1) & mask;
    shard.slots[at] = slot;
  }
}

}  // namespace prismbus
