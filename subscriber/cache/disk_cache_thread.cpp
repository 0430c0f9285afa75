// DiskCache, what the cache's thread does: write what was told, and take over from a writer that ended.
#include <algorithm>
#include <chrono>
#include <utility>

#include "proto/base/hash.hpp"
#include "subscriber/cache/disk_cache.hpp"
#include "subscriber/sync/seen_time.hpp"
#include "subscriber/view/leaves.hpp"

namespace prismbus {
namespace {

using namespace std::chrono_literals;

constexpr auto kNap = 1s;        // it looks up at least so often, and asks for the lock
constexpr auto kFinish = 500ms;  // its end: stop() promises a second
// A disk that is full is not filled with every change anew: doubles from the one to the other.
constexpr std::chrono::milliseconds kPauseMin = 1s, kPauseMax = 10min;
constexpr std::chrono::milliseconds kTooLargePause = 24h;  // to see whether it shrank, most of it is written

}  // namespace

void DiskCache::on_written(const std::string& ns, const Result<void>& written) {
  if (written) return void(failing_.erase(ns));
  const Error& error = written.error();
  if (error.code == ErrorCode::too_large) writer_.remove(ns);  // it stays what it was when it was small
  Failing& failing = failing_[ns];
  failing.pause = error.code == ErrorCode::too_large ? kTooLargePause
                                                     : std::clamp(2 * failing.pause, kPauseMin, kPauseMax);
  failing.again = read_clock().steady + failing.pause;
  const std::uint64_t n = counters_.failures.fetch_add(1, std::memory_order_relaxed) + 1;
  if ((n & (n - 1)) != 0) return;  // repeats are counted
  LogLine line("cache_not_written");
  line.with("ns", ns).with("count", n).with("why", error.message);
  (void)reports_.try_push({LogLevel::warn, line.text()});
}

// What the writer before left of `ns` is not replaced by something older, nor by itself; asked for every
// picture until one of them is newer.
bool DiskCache::stays_as_left(const std::string& ns, const NamespaceLeaf& leaf, Wall seen) {
  const auto found = left_.find(ns);
  if (found == left_.end()) return false;
  const Left left = found->second;
  const bool same_history = left.epoch == leaf.epoch;
  const Wall now = read_clock().wall;
  if (same_history ? leaf.seq < left.seq : age_of(seen, now) > age_of(left.seen, now)) return true;
  left_.erase(found);
  return same_history && left.adopted && leaf.seq == left.seq;  // it is what is there
}

Result<void> DiskCache::write_picture(const std::string& ns, const ViewStore& store) {
  std::optional<View> view = store.view();
  const NamespaceLeaf* leaf = ViewStore::root_of(*view).namespaces.find(xxh3_64(ns), ns);
  if (leaf == nullptr || !leaf->shown || leaf->denied) return {};
  const Now now = read_clock();
  const bool current = leaf->state == NamespaceState::live || leaf->current_at == Steady{};
  const auto age = current
                       ? std::chrono::microseconds(0)
                       : std::chrono::duration_cast<std::chrono::microseconds>(now.steady - leaf->current_at);
  const Wall seen = now.wall - age;
  if (stays_as_left(ns, *leaf, seen)) return {};
  counters_.pictures.fetch_add(1, std::memory_order_relaxed);
  auto draft = writer_.draft(leaf->epoch, ns, leaf->entries,
                             {leaf->seq, leaf->rev, leaf->time, leaf->content_hash, seen});
  view.reset();  // the disk may take its time
  if (!draft) return unexpected<Error>(draft.error());
  return writer_.finish(std::move(*draft));
}

void DiskCache::write(const CacheMail& mail, const ViewStore& store) {
  if (mail.gone) {
    writer_.remove(mail.ns);
    left_.erase(mail.ns);
    failing_.erase(mail.ns);
  }
  if (failing_.contains(mail.ns)) return;
  Result<void> written;
  if (mail.picture) written = write_picture(mail.ns, store);
  if (written && !mail.steps.empty()) {
    const auto appended = writer_.append(mail.ns, mail.steps);
    if (!appended) written = unexpected<Error>(appended.error());
    if (appended && *appended) counters_.steps.fetch_add(mail.steps.size(), std::memory_order_relaxed);
    if (appended && !*appended) written = write_picture(mail.ns, store);
  }
  on_written(mail.ns, written);
}

// At the end everything that failed has one more try, as far as the time goes.
void DiskCache::try_failed_again(const ViewStore& store, const std::atomic<bool>& stopping) {
  const bool ending = stopping.load(std::memory_order_acquire);
  const Steady now = read_clock().steady;
  std::vector<std::string> due;
  for (const auto& [ns, failing] : failing_) {
    if (failing.pause != kTooLargePause ? ending || now >= failing.again : now >= failing.again)
      due.push_back(ns);
  }
  for (const std::string& ns : due) {
    if (out_of_time(stopping)) return;
    on_written(ns, write_picture(ns, store));
  }
}

bool DiskCache::out_of_time(const std::atomic<bool>& stopping) {
  if (!stopping.load(std::memory_order_acquire)) return false;
  const Steady now = read_clock().steady;
  if (!stop_at_) stop_at_ = now + kFinish;
  return now > *stop_at_;
}

// The writer before may have ended anywhere, in the middle of a record too; and it may have been ahead of us.
void DiskCache::take_over(const std::atomic<bool>& stopping) {
  const auto locked = directory_.try_lock();
  if (!locked || !*locked) return;
  left_.clear();
  std::size_t files = 0;
  for (const std::string& name : directory_.names()) {
    if (stopping.load(std::memory_order_acquire)) return;  // nothing was written: the next one reads again
    CacheFindings found = load_cache(directory_, {name}, key_.get());
    bool exposed = !found.dropped.empty() && found.dropped.front().exposed;
    for (cache::Loaded& loaded : found.namespaces) {
      exposed = !keeps(loaded.ns);
      if (!exposed) {
        writer_.adopt(loaded);
        left_[loaded.ns] = {loaded.epoch, loaded.copy.seq, loaded.seen, loaded.whole};
        ++files;
      }
      free_entries(loaded);
    }
    if (exposed) directory_.remove(name);
  }
  (void)reports_.try_push({LogLevel::info, LogLine("cache_taken_over").with("files", files).text()});
  writing_.store(true, std::memory_order_release);
}

void DiskCache::step(const ViewStore& store, const std::atomic<bool>& stopping) {
  if (!stopping.load(std::memory_order_acquire)) waker_.sleep_for(kNap);
  if (!writing_.load(std::memory_order_relaxed)) {
    if (fed_.load(std::memory_order_acquire) && !stopping.load(std::memory_order_acquire))
      take_over(stopping);
    return;
  }
  for (const CacheMail& mail : mailbox_.drain()) {
    if (out_of_time(stopping)) return;
    write(mail, store);
  }
  if (!failing_.empty()) try_failed_again(store, stopping);
}

}  // namespace prismbus
