// DiskCache, what is read: at the start, before any broker answered.
#include <algorithm>
#include <utility>

#include "subscriber/cache/disk_cache.hpp"

namespace prismbus {

std::vector<cache::Loaded> DiskCache::load(const std::vector<std::string>& names, const FollowSet& follow) {
  CacheFindings found = load_cache(directory_, names, key_.get(), epoch_);
  std::vector<cache::Loaded> out;
  for (cache::Loaded& loaded : found.namespaces) {
    const bool kept = keeps(loaded.ns);
    if (!kept) {
      found.dropped.push_back(
          {cache_file_name(loaded.ns), "cache.secret names it, and it is not encrypted", true});
    }
    if (!kept || !follow.covers(loaded.ns)) {
      free_entries(loaded);
      continue;
    }
    epoch_ = loaded.epoch;
    if (telling_ && loaded.whole) {
      writer_.adopt(loaded);
      told_[loaded.ns] = {loaded.epoch, loaded.copy.seq, false, {}};
    }
    out.push_back(std::move(loaded));
  }
  counters_.loaded.fetch_add(out.size(), std::memory_order_relaxed);
  counters_.dropped.fetch_add(found.dropped.size(), std::memory_order_relaxed);
  counters_.torn.fetch_add(found.torn.size(), std::memory_order_relaxed);
  tell_findings(found, out.size());
  if (telling_) {
    // Readable for everybody who gets hold of the disk, and of no use here.
    for (const auto& dropped : found.dropped) {
      if (dropped.exposed) directory_.remove(dropped.file);
    }
    prune(names, out);
  }
  return out;
}

// A writer that follows a namespace writes its file at least every minute, so the age of a file that is of no
// use here says how long nobody has followed it.
void DiskCache::prune(const std::vector<std::string>& names, const std::vector<cache::Loaded>& used) {
  const Wall now = read_clock().wall;
  for (const std::string& name : names) {
    const auto written = directory_.written_at(name);
    if (!written || now - *written <= options_.keep_unfollowed) continue;
    const bool in_use = std::any_of(used.begin(), used.end(), [&](const cache::Loaded& loaded) {
      return cache_file_name(loaded.ns) == name;
    });
    if (in_use) continue;
    directory_.remove(name);
    if (log_) log_(LogLevel::info, LogLine("cache_file_pruned").with("file", name).text());
  }
}

void DiskCache::tell_findings(const CacheFindings& found, std::size_t used) const {
  if (!log_) return;
  for (const auto& [file, why, exposed] : found.dropped)
    log_(LogLevel::warn, LogLine("cache_file_dropped").with("file", file).with("why", why).text());
  for (const auto& [file, why, exposed] : found.torn)
    log_(LogLevel::warn, LogLine("cache_file_torn").with("file", file).with("why", why).text());
  log_(LogLevel::info, LogLine("cache_read")
                           .with("namespaces", used)
                           .with("bytes", found.bytes)
                           .with("writer", telling_)
                           .with("encrypted", key_ != nullptr)
                           .text());
}

std::vector<cache::Loaded> DiskCache::load_first(const FollowSet& follow) {
  std::vector<std::string> names;
  if (options_.preload.empty()) {
    names = directory_.names();
  } else {
    for (const std::string& ns : options_.preload) names.push_back(cache_file_name(ns));
  }
  return load(names, follow);
}

std::vector<cache::Loaded> DiskCache::load_rest(const FollowSet& follow) {
  if (options_.preload.empty() || std::exchange(rest_read_, true)) return {};
  std::vector<std::string> names = directory_.names();
  std::erase_if(names, [&](const std::string& name) {
    return std::any_of(options_.preload.begin(), options_.preload.end(),
                       [&](const std::string& ns) { return cache_file_name(ns) == name; });
  });
  return load(names, follow);
}

}  // namespace prismbus
