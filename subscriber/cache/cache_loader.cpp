#include "subscriber/cache/cache_loader.hpp"

#include <algorithm>
#include <utility>

#include "subscriber/sync/seen_time.hpp"

namespace prismbus {

void free_entries(cache::Loaded& loaded) {
  Garbage garbage;
  loaded.copy.entries.retire(garbage);
  garbage.release_all();
}

namespace {

Result<cache::Loaded> load_file(const std::string& name, std::string_view bytes, const CacheKey* key) {
  auto loaded = cache::load(bytes, key);
  if (!loaded) return loaded;
  if (cache_file_name(loaded->ns) != name) {
    free_entries(*loaded);
    return fail(ErrorCode::invalid_argument, "it holds another namespace than its name says");
  }
  loaded->whole = loaded->whole && loaded->good_bytes == bytes.size();
  return loaded;
}

// Ours to keep when it belongs to the history that was current last.
void keep_one_history(CacheFindings& found, std::optional<Epoch> epoch) {
  auto& all = found.namespaces;
  if (!epoch && !all.empty()) {
    const Wall now = read_clock().wall;
    epoch = std::min_element(all.begin(), all.end(), [now](const auto& a, const auto& b) {
              return age_of(a.seen, now) < age_of(b.seen, now);
            })->epoch;
  }
  const auto others = std::partition(all.begin(), all.end(),
                                     [&](const cache::Loaded& loaded) { return loaded.epoch == *epoch; });
  for (auto at = others; at != all.end(); ++at) {
    found.dropped.push_back({cache_file_name(at->ns), "of another history than the newest", false});
    free_entries(*at);
  }
  all.erase(others, all.end());
}

}  // namespace

CacheFindings load_cache(const CacheDirectory& directory, const std::vector<std::string>& names,
                         const CacheKey* key, std::optional<Epoch> epoch) {
  CacheFindings found;
  for (const std::string& name : names) {
    const auto bytes = directory.read(name);
    if (!bytes) {
      if (bytes.error().code != ErrorCode::not_found)
        found.dropped.push_back({name, bytes.error().message, false});
      continue;
    }
    found.bytes += bytes->size();
    auto loaded = load_file(name, *bytes, key);
    if (!loaded) {
      const bool exposed = key != nullptr && !cache::says_sealed(*bytes);
      found.dropped.push_back({name, loaded.error().message, exposed});
      continue;
    }
    if (!loaded->whole) found.torn.push_back({name, "its end is damaged: an older state is used", false});
    found.namespaces.push_back(std::move(*loaded));
  }
  keep_one_history(found, epoch);
  return found;
}

}  // namespace prismbus
