#include "broker/core/chunk_cache.hpp"

#include <algorithm>

#include "proto/base/bytes.hpp"

namespace prismbus {
namespace {

constexpr std::size_t kKeptOverhead = 256;  // of a chunk, besides its bytes

bool unchanged(const CachedChunk& chunk, const ChunkPlace& place, const std::vector<NamespaceRange>& ranges,
               const ReadView& view) {
  bool same = true;
  for (const NamespaceRange& range : ranges) {
    const std::string from = std::max(range.first, place.from_ns);
    const auto read = view.scan_namespaces(from, [&](std::string_view ns, const RecentHead& at) {
      if (!range.before_end(ns) || (chunk.ends_at && ns > chunk.ends_at->first)) return false;
      same = at.head.rev <= chunk.rev;
      return same;
    });
    if (!read || !same) return false;
  }
  return true;
}

std::size_t cost_of(const std::string& place, const CachedChunk& chunk) {
  return kKeptOverhead + place.size() + chunk.body.size();
}

}  // namespace

std::string ChunkPlace::text() const {
  std::string out;
  out += subtree ? 'u' : 'n';
  out += from_start ? 's' : 'b';
  append_be64(out, bytes_max);
  for (const std::string* name : {&of, &from_ns, &from_key}) {
    append_be64(out, name->size());
    out += *name;
  }
  return out;
}

const CachedChunk* ChunkCache::find(const ChunkPlace& place, const std::vector<NamespaceRange>& ranges,
                                    const ReadView& view) {
  const auto at = by_place_.find(place.text());
  if (at != by_place_.end() && unchanged(at->second->chunk, place, ranges, view)) {
    ++hits_;
    order_.splice(order_.begin(), order_, at->second);
    return &at->second->chunk;
  }
  if (at != by_place_.end()) drop(at->second);
  ++misses_;
  return nullptr;
}

void ChunkCache::put(const ChunkPlace& place, CachedChunk chunk) {
  std::string text = place.text();
  const std::size_t cost = cost_of(text, chunk);
  if (cost > bytes_max_) return;
  while (bytes_ + cost > bytes_max_) drop(std::prev(order_.end()));
  order_.push_front({text, std::move(chunk)});
  by_place_.insert_or_assign(std::move(text), order_.begin());
  bytes_ += cost;
}

void ChunkCache::drop(Order::iterator kept) {
  bytes_ -= cost_of(kept->place, kept->chunk);
  by_place_.erase(kept->place);
  order_.erase(kept);
}

}  // namespace prismbus
