// Snapshot chunks as they were last encoded, so that many who join at once are answered from memory. A chunk
// is served again only while nothing it covers has changed since it was read: it is then what would be read
// now, goes out under the present revision, and so is never older than the chunk before it, nor than anything
// its asker was told (I5, I9). Bounded in bytes; what was not used for longest goes first (I8). Reader
// thread.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "broker/core/namespace_ranges.hpp"
#include "broker/store/read_view.hpp"

namespace prismbus {

// What a chunk begins behind and how large it may be; names in the order of the cursor.
struct ChunkPlace {
  bool subtree = false;
  std::string of;  // namespace or subtree
  std::string from_ns, from_key;
  bool from_start = true;
  std::size_t bytes_max = 0;

  [[nodiscard]] std::string text() const;  // different for different places
};

struct CachedChunk {
  Revision rev;                                                // it was read at
  std::string body;                                            // the fields `entries` and `heads`, encoded
  std::optional<std::pair<std::string, std::string>> ends_at;  // (ns, key); none: it is the last chunk
};

class ChunkCache {
 public:
  explicit ChunkCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // The chunk at `place`, if nothing in `ranges` that it covers has changed since; good until the next put().
  [[nodiscard]] const CachedChunk* find(const ChunkPlace& place, const std::vector<NamespaceRange>& ranges,
                                        const ReadView& view);
  void put(const ChunkPlace& place, CachedChunk chunk);

  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    std::string place;
    CachedChunk chunk;
  };
  using Order = std::list<Kept>;  // used last first
  void drop(Order::iterator kept);

  const std::size_t bytes_max_;
  Order order_;
  std::unordered_map<std::string, Order::iterator> by_place_;
  std::size_t bytes_ = 0;
  std::uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace prismbus
