#include "subscriber/disk_cache.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "proto/base/hash.hpp"
#include "subscriber/leaves.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWaitingBytesMax = 16u << 20;  // steps told and not yet written
constexpr std::size_t kReportsMax = 64;              // lines on their way to the log; more are counted only
constexpr auto kNap = 1s;                            // the cache's thread looks up at least so often
constexpr auto kFinish = 500ms;                      // the end of the thread: stop() promises a second
constexpr auto kNoteEvery =
    60s;  // a live namespace is noted as current so often: what a kill adds to its age

}  // namespace

Result<std::unique_ptr<DiskCache>> DiskCache::open(CacheOptions options, LogSink log) {
  auto directory = CacheDirectory::open(options.directory);
  if (!directory) return unexpected<Error>(directory.error());
  return std::unique_ptr<DiskCache>(new DiskCache(std::move(*directory), std::move(options), std::move(log)));
}

DiskCache::DiskCache(CacheDirectory directory, CacheOptions options, LogSink log)
    : directory_(std::move(directory)),
      options_(std::move(options)),
      log_(std::move(log)),
      writer_(directory_),
      mailbox_(kWaitingBytesMax, &waker_),
      reports_(kReportsMax, nullptr) {}

CacheStatus DiskCache::status() const {
  const auto at = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  return {directory_.writer(),    at(counters_.loaded), at(counters_.dropped), at(counters_.torn),
          at(counters_.pictures), at(counters_.steps),  at(counters_.failures)};
}

// ---- reading ----

std::vector<cache::Loaded> DiskCache::load(const std::vector<std::string>& names, const FollowSet& follow) {
  CacheFindings found = load_cache(directory_, names, epoch_);
  std::vector<cache::Loaded> out;
  for (cache::Loaded& loaded : found.namespaces) {
    if (!follow.covers(loaded.ns)) {
      Garbage garbage;
      loaded.copy.entries.retire(garbage);
      garbage.release_all();
      continue;
    }
    epoch_ = loaded.epoch;
    if (directory_.writer() && loaded.whole) {
      writer_.adopt(loaded);
      told_[loaded.ns] = {loaded.epoch, loaded.copy.seq, false, {}};
    }
    out.push_back(std::move(loaded));
  }
  counters_.loaded.fetch_add(out.size(), std::memory_order_relaxed);
  counters_.dropped.fetch_add(found.dropped.size(), std::memory_order_relaxed);
  counters_.torn.fetch_add(found.torn.size(), std::memory_order_relaxed);
  if (log_) {
    for (const auto& [file, why] : found.dropped)
      log_(LogLevel::warn, LogLine("cache_file_dropped").with("file", file).with("why", why).text());
    for (const auto& [file, why] : found.torn)
      log_(LogLevel::warn, LogLine("cache_file_torn").with("file", file).with("why", why).text());
    log_(LogLevel::info, LogLine("cache_read")
                             .with("namespaces", out.size())
                             .with("bytes", found.bytes)
                             .with("writer", directory_.writer())
                             .text());
  }
  return out;
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

// ---- the background thread ----

// A set, after its key events (`keys_scratch_`). What does not continue what was told is written whole.
void DiskCache::tell_set(const SyncEvent& moved, Now now) {
  const SetMeta& set = *moved.set;
  if (set.seq == Seq()) {  // its subtree does not name it any more, or nothing was ever written
    told_.erase(*moved.ns);
    return mailbox_.gone(*moved.ns);
  }
  const auto found = told_.find(*moved.ns);
  const bool known = found != told_.end() && found->second.epoch == set.epoch;
  if (known && !moved.resync && set.seq <= found->second.seq) return;  // it came from the cache
  if (!known || moved.resync || set.seq != found->second.seq.next()) {
    Told& told = told_[*moved.ns];
    told.epoch = set.epoch;
    told.seq = set.seq;
    return mailbox_.picture(*moved.ns);
  }
  body_scratch_.clear();
  cache::append_changes_head(body_scratch_, {set.seq, set.rev, set.time, set.hash, now.wall});
  for (const SyncEvent* key : keys_scratch_) {
    const KeyChange& change = key->change;
    cache::append_change(body_scratch_, change.leaf().key(), change.after);
  }
  found->second.seq = set.seq;
  mailbox_.step(*moved.ns, {set.epoch, set.seq, false, body_scratch_});
}

void DiskCache::note_current(const std::string& ns, Told& told, Now now) {
  told.noted = now.steady;
  std::string body;
  cache::append_seen(body, now.wall);
  mailbox_.step(ns, {told.epoch, told.seq, true, std::move(body)});
}

// A namespace that is live and of which no good file is known (it came from a seed, or its file is torn) is
// written whole.
void DiskCache::tell_state(const SyncEvent& state, const SyncUpdate& update, Now now) {
  const bool live = state.after == NamespaceState::live;
  auto found = told_.find(*state.ns);
  if (found == told_.end()) {
    const NamespaceLeaf* leaf =
        update.root == nullptr ? nullptr : update.root->namespaces.find(xxh3_64(*state.ns), *state.ns);
    if (!live || leaf == nullptr || !leaf->shown || leaf->seq == Seq()) return;
    told_[*state.ns] = {leaf->epoch, leaf->seq, true, now.steady};
    return mailbox_.picture(*state.ns);
  }
  if (std::exchange(found->second.live, live) != live) note_current(found->first, found->second, now);
}

void DiskCache::feed(const SyncUpdate& update, Now now) {
  std::vector<std::string> lines;
  if (log_ && reports_.size() > 0 && reports_.drain(lines) > 0) {
    for (const std::string& line : lines) log_(LogLevel::warn, line);
  }
  if (!directory_.writer()) return;
  keys_scratch_.clear();
  for (const SyncEvent& event : update.events) {
    if (event.kind == SyncEvent::Kind::key) {  // the cache keeps the replica, not what readers see
      if (event.change.reach != Reach::readers) keys_scratch_.push_back(&event);
    } else if (event.kind == SyncEvent::Kind::moved) {
      tell_set(event, now);
      keys_scratch_.clear();
    } else if (event.kind == SyncEvent::Kind::state) {
      tell_state(event, update, now);
    }
  }
  if (now.steady < note_at_) return;
  note_at_ = now.steady + kNoteEvery / 4;
  for (auto& [ns, told] : told_) {
    if (told.live && now.steady - told.noted >= kNoteEvery) note_current(ns, told, now);
  }
}

// ---- the cache's thread ----

void DiskCache::failed(const std::string& ns, const Error& error) {
  const std::uint64_t n = counters_.failures.fetch_add(1, std::memory_order_relaxed) + 1;
  if ((n & (n - 1)) != 0) return;  // repeats are counted
  std::string line =
      LogLine("cache_not_written").with("ns", ns).with("count", n).with("why", error.message).text();
  (void)reports_.try_push(std::move(line));
}

Result<void> DiskCache::write_picture(const std::string& ns, const ViewStore& store) {
  const View view = store.view();
  const NamespaceLeaf* leaf = ViewStore::root_of(view).namespaces.find(xxh3_64(ns), ns);
  if (leaf == nullptr || !leaf->shown) return {};
  counters_.pictures.fetch_add(1, std::memory_order_relaxed);
  const Now now = read_clock();
  const bool current = leaf->state == NamespaceState::live || leaf->current_at == Steady{};
  const auto age = current
                       ? std::chrono::microseconds(0)
                       : std::chrono::duration_cast<std::chrono::microseconds>(now.steady - leaf->current_at);
  return writer_.picture(leaf->epoch, ns, leaf->entries,
                         {leaf->seq, leaf->rev, leaf->time, leaf->content_hash, now.wall - age});
}

void DiskCache::write(const CacheMail& mail, const ViewStore& store) {
  if (mail.gone) writer_.remove(mail.ns);
  Result<void> written;
  if (mail.picture) written = write_picture(mail.ns, store);
  if (written && !mail.steps.empty()) {
    const auto appended = writer_.append(mail.ns, mail.steps);
    if (!appended) written = unexpected<Error>(appended.error());
    if (appended && *appended) counters_.steps.fetch_add(mail.steps.size(), std::memory_order_relaxed);
    if (appended && !*appended) written = write_picture(mail.ns, store);
  }
  if (!written) failed(mail.ns, written.error());
}

void DiskCache::step(const ViewStore& store, const std::atomic<bool>& stopping) {
  if (!stopping.load(std::memory_order_acquire)) waker_.sleep_for(kNap);
  for (const CacheMail& mail : mailbox_.drain()) {
    if (stopping.load(std::memory_order_acquire)) {
      const Steady now = read_clock().steady;
      if (!stop_at_) stop_at_ = now + kFinish;
      if (now > *stop_at_) return;
    }
    write(mail, store);
  }
}

}  // namespace prismbus
