#include "subscriber/cache/disk_cache.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "proto/base/hash.hpp"
#include "subscriber/view/leaves.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWaitingBytesMax = 16u << 20;  // steps told and not yet written
constexpr std::size_t kReportsMax = 64;              // lines on their way to the log; more are counted only
constexpr auto kNoteEvery =
    60s;  // a live namespace is noted as current so often: what a kill adds to its age

}  // namespace

Result<std::unique_ptr<DiskCache>> DiskCache::open(CacheOptions options, NamespacePatterns secret,
                                                   LogSink log) {
  std::unique_ptr<const CacheKey> key;
  if (!options.key_file.empty()) {
    auto read = CacheKey::read(options.key_file);
    if (!read) return unexpected<Error>(read.error());
    key = std::move(*read);
  }
  auto directory = CacheDirectory::open(options.directory);
  if (!directory) return unexpected<Error>(directory.error());
  return std::unique_ptr<DiskCache>(new DiskCache(std::move(*directory), std::move(key), std::move(options),
                                                  std::move(secret), std::move(log)));
}

DiskCache::DiskCache(CacheDirectory directory, std::unique_ptr<const CacheKey> key, CacheOptions options,
                     NamespacePatterns secret, LogSink log)
    : directory_(std::move(directory)),
      key_(std::move(key)),
      options_(std::move(options)),
      secret_(std::move(secret)),
      log_(std::move(log)),
      writer_(directory_, key_.get()),
      mailbox_(kWaitingBytesMax, &waker_),
      reports_(kReportsMax, nullptr),
      writing_(directory_.writer()),
      telling_(directory_.writer()) {}

CacheStatus DiskCache::status() const {
  const auto at = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  CacheStatus out;
  out.writer = writing_.load(std::memory_order_relaxed);
  out.encrypted = key_ != nullptr;
  out.loaded = at(counters_.loaded);
  out.dropped = at(counters_.dropped);
  out.torn = at(counters_.torn);
  out.pictures = at(counters_.pictures);
  out.steps = at(counters_.steps);
  out.failures = at(counters_.failures);
  return out;
}

// ---- the background thread ----

bool DiskCache::denied(const std::string& ns, const ViewRoot& shown) {
  const NamespaceLeaf* leaf = shown.namespaces.find(xxh3_64(ns), ns);
  return leaf != nullptr && leaf->denied;
}

// A set, after its key events (`keys_scratch_`). What does not continue what was told is written whole.
void DiskCache::tell_set(const SyncEvent& moved, const ViewRoot& shown, Now now) {
  if (!keeps(*moved.ns)) return;
  const SetMeta& set = *moved.set;
  if (set.seq == Seq()) {  // its subtree does not name it any more, or nothing was ever written
    told_.erase(*moved.ns);
    return mailbox_.gone(*moved.ns);
  }
  const auto found = told_.find(*moved.ns);
  const bool known = found != told_.end() && found->second.epoch == set.epoch;
  if (known && !moved.resync && set.seq <= found->second.seq) return;  // it came from the cache
  if (!known || moved.resync || set.seq != found->second.seq.next()) {
    const NamespaceLeaf* leaf = shown.namespaces.find(xxh3_64(*moved.ns), *moved.ns);
    if (leaf == nullptr || leaf->denied) return;
    told_[*moved.ns] = {set.epoch, set.seq, leaf->state == NamespaceState::live, now.steady};
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

// What the broker refuses this subscriber does not stay on its disk; what it still shows is in memory. A
// namespace that is live and of which no good file is known (it came from a seed, or its file is torn) is
// written whole.
void DiskCache::tell_state(const SyncEvent& state, const ViewRoot& shown, Now now) {
  if (!keeps(*state.ns)) return;
  if (denied(*state.ns, shown)) {
    told_.erase(*state.ns);
    return mailbox_.gone(*state.ns);
  }
  const bool live = state.after == NamespaceState::live;
  auto found = told_.find(*state.ns);
  if (found == told_.end()) {
    const NamespaceLeaf* leaf = shown.namespaces.find(xxh3_64(*state.ns), *state.ns);
    if (!live || leaf == nullptr || !leaf->shown || leaf->seq == Seq()) return;
    told_[*state.ns] = {leaf->epoch, leaf->seq, true, now.steady};
    return mailbox_.picture(*state.ns);
  }
  if (std::exchange(found->second.live, live) != live) note_current(found->first, found->second, now);
}

// The first words of one who was a reader until now.
void DiskCache::tell_all(const ViewRoot& shown, Now now) {
  shown.namespaces.for_each([&](const NamespaceLeaf& leaf) {
    if (leaf.denied) return mailbox_.gone(*leaf.name);
    if (!leaf.shown || leaf.seq == Seq() || !keeps(*leaf.name)) return;
    told_[*leaf.name] = {leaf.epoch, leaf.seq, leaf.state == NamespaceState::live, now.steady};
    mailbox_.picture(*leaf.name);
  });
}

void DiskCache::feed(const SyncUpdate& update, const ViewRoot& shown, Now now) {
  std::vector<Report> reports;
  if (log_ && reports_.size() > 0 && reports_.drain(reports) > 0) {
    for (const Report& report : reports) log_(report.level, report.line);
  }
  fed_.store(true, std::memory_order_release);
  if (!writing_.load(std::memory_order_acquire)) return;
  if (!std::exchange(telling_, true)) tell_all(shown, now);
  keys_scratch_.clear();
  for (const SyncEvent& event : update.events) {
    if (event.kind == SyncEvent::Kind::key) {  // the cache keeps the replica, not what readers see
      if (event.change.reach != Reach::readers) keys_scratch_.push_back(&event);
    } else if (event.kind == SyncEvent::Kind::moved) {
      tell_set(event, shown, now);
      keys_scratch_.clear();
    } else if (event.kind == SyncEvent::Kind::state) {
      tell_state(event, shown, now);
    }
  }
  if (now.steady < note_at_) return;
  note_at_ = now.steady + kNoteEvery / 4;
  for (auto& [ns, told] : told_) {
    if (told.live && now.steady - told.noted >= kNoteEvery) note_current(ns, told, now);
  }
}

}  // namespace prismbus
