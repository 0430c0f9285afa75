// A hash index of changes that transactions in memory hold: (ns, key) -> the newest one. recent and pending
// each have one. Bus thread. Open addressing with linear probing in 64 shards that grow one by one, so that
// no single call pays for the growth of all; neither looking up nor putting allocates otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/store/recent.hpp"
#include "proto/base/hash.hpp"

namespace prismbus {

class RecentIndex {
 public:
  [[nodiscard]] static std::uint64_t hash_namespace(std::string_view ns) { return xxh3_64(ns); }

  [[nodiscard]] const RecentChange* find(std::string_view ns, std::string_view key) const;
  // `ns_hash` is hash_namespace of the set's: computed once a set. Replaces an older change of the key.
  void put(std::uint64_t ns_hash, const RecentChange& change);
  // Erases the key of `change` if that change itself stands there, not a newer one.
  void erase(std::uint64_t ns_hash, const StoredChange& change);

 private:
  struct Slot {
    std::uint64_t hash = 0;
    RecentChange change;  // change.change null: free
  };
  struct Shard {
    std::vector<Slot> slots;  // a power of two
    std::size_t used = 0;
  };
  static constexpr unsigned kShardBits = 6;

  [[nodiscard]] static std::uint64_t hash_of(std::uint64_t ns_hash, std::string_view key);
  // The key's slot, or the free one where it belongs.
  [[nodiscard]] static std::size_t find_slot(const Shard& shard, std::uint64_t hash, std::string_view ns,
                                             std::string_view key);
  static void grow(Shard& shard);

  std::array<Shard, std::size_t{1} << kShardBits> shards_;
};

}  // namespace prismbus
