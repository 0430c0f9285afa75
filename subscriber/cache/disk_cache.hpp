// The cache of one subscriber: what is read at its start, and what is written while it lives. Two threads,
// apart: the background thread tells what became visible (never waits for the disk), the cache's own thread
// steps the writer, with pictures from the ViewStore. A disk that fails costs the cache, never the picture.
// It does not decide what is shown: that is SyncState's.
//
// Of several processes with one directory the first writes. When it ends, however it ends, the lock is free,
// and one of the others has it within a second or two: it reads again what is there, goes on with files that
// are whole and not older than its own picture, leaves those that are newer until it has caught up with them,
// and writes the others anew.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/base/bounded_queue.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/log.hpp"
#include "subscriber/cache/cache_key.hpp"
#include "subscriber/cache/cache_loader.hpp"
#include "subscriber/cache/cache_mailbox.hpp"
#include "subscriber/cache/cache_options.hpp"
#include "subscriber/sync/follow_set.hpp"
#include "subscriber/sync/namespace_patterns.hpp"
#include "subscriber/sync/sync_update.hpp"
#include "subscriber/view/view_store.hpp"

namespace prismbus {

class DiskCache {
 public:
  // Keeps nothing of `secret` unless there is a key. Errors: those of CacheDirectory::open and
  // CacheKey::read.
  [[nodiscard]] static Result<std::unique_ptr<DiskCache>> open(CacheOptions options, NamespacePatterns secret,
                                                               LogSink log);

  // ---- before the threads, or on the background thread before its first feed() ----
  // What `follow` covers: the preload list at the first call (everything when it is empty), the rest at the
  // second. The taker frees the entries. The writer removes files that the options say are not to stay.
  [[nodiscard]] std::vector<cache::Loaded> load_first(const FollowSet& follow);
  [[nodiscard]] std::vector<cache::Loaded> load_rest(const FollowSet& follow);

  // ---- the background thread ----
  // Right after the update's picture was published; `shown` is the newest. Logs what the cache's thread
  // reported.
  void feed(const SyncUpdate& update, const ViewRoot& shown, Now now);

  // ---- the cache's thread ----
  // Waits until something is told (a second at most) and writes it; a reader asks for the lock. Once
  // `stopping` is set it does not wait, and what half a second is not enough for is let go: the file keeps an
  // older state.
  void step(const ViewStore& store, const std::atomic<bool>& stopping);
  void wake() { waker_.wake(); }  // any thread

  [[nodiscard]] CacheStatus status() const;  // any thread

 private:
  DiskCache(CacheDirectory directory, std::unique_ptr<const CacheKey> key, CacheOptions options,
            NamespacePatterns secret, LogSink log);
  [[nodiscard]] bool keeps(std::string_view ns) const { return key_ != nullptr || !secret_.covers(ns); }
  [[nodiscard]] std::vector<cache::Loaded> load(const std::vector<std::string>& names,
                                                const FollowSet& follow);
  void tell_findings(const CacheFindings& found, std::size_t used) const;
  void prune(const std::vector<std::string>& names, const std::vector<cache::Loaded>& used);
  [[nodiscard]] static bool denied(const std::string& ns, const ViewRoot& shown);
  void tell_set(const SyncEvent& moved, const ViewRoot& shown, Now now);
  void tell_state(const SyncEvent& state, const ViewRoot& shown, Now now);
  void tell_all(const ViewRoot& shown, Now now);
  void take_over(const std::atomic<bool>& stopping);
  void write(const CacheMail& mail, const ViewStore& store);
  void try_failed_again(const ViewStore& store, const std::atomic<bool>& stopping);
  [[nodiscard]] bool out_of_time(const std::atomic<bool>& stopping);
  [[nodiscard]] Result<void> write_picture(const std::string& ns, const ViewStore& store);
  [[nodiscard]] bool stays_as_left(const std::string& ns, const NamespaceLeaf& leaf, Wall seen);
  void on_written(const std::string& ns, const Result<void>& written);

  CacheDirectory directory_;
  const std::unique_ptr<const CacheKey> key_;  // null: not encrypted
  const CacheOptions options_;
  const NamespacePatterns secret_;
  LogSink log_;
  CacheWriter writer_;
  Waker waker_;
  CacheMailbox mailbox_;
  struct Report {
    LogLevel level = LogLevel::warn;
    std::string line;
  };
  BoundedQueue<Report> reports_;      // for the log, which is the background thread's
  std::atomic<bool> writing_{false};  // never ends once it is true; set by the cache's thread, after open()
  std::atomic<bool> fed_{false};      // the background thread is done with reading: the role may change
  std::optional<Epoch> epoch_;        // of what was loaded
  bool rest_read_ = false;

  // The background thread's: the last set of each namespace that was told, and when it was last noted as
  // current.
  struct Told {
    Epoch epoch;
    Seq seq;
    bool live = false;
    Steady noted{};
  };
  std::unordered_map<std::string, Told, BytesHash, std::equal_to<>> told_;
  void note_current(const std::string& ns, Told& told, Now now);
  bool telling_ = false;  // what is written is told, from the start or since the takeover
  std::vector<const SyncEvent*> keys_scratch_;
  std::string body_scratch_;
  Steady note_at_{};

  // The cache's thread's.
  struct Left {  // by another writer, at the takeover
    Epoch epoch;
    Seq seq;
    Wall seen{};
    bool adopted = false;
  };
  std::unordered_map<std::string, Left, BytesHash, std::equal_to<>> left_;
  // Could not be written: nothing is until `again`, then a picture, which holds all that was told meanwhile.
  struct Failing {
    Steady again{};
    std::chrono::milliseconds pause{};
  };
  std::unordered_map<std::string, Failing> failing_;
  std::optional<Steady> stop_at_;

  struct {
    std::atomic<std::uint64_t> loaded{0}, dropped{0}, torn{0}, pictures{0}, steps{0}, failures{0};
  } counters_;
};

}  // namespace prismbus
