// The cache of one subscriber: what is read at its start, and what is written while it lives. Two threads,
// apart: the background thread tells what became visible (never waits for the disk), the cache's own thread
// steps the writer, with pictures from the ViewStore. A disk that fails costs the cache, never the picture.
// It does not decide what is shown: that is SyncState's.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/base/bounded_queue.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/log.hpp"
#include "subscriber/cache_key.hpp"
#include "subscriber/cache_loader.hpp"
#include "subscriber/cache_mailbox.hpp"
#include "subscriber/cache_options.hpp"
#include "subscriber/follow_set.hpp"
#include "subscriber/namespace_patterns.hpp"
#include "subscriber/sync_update.hpp"
#include "subscriber/view_store.hpp"

namespace prismbus {

class DiskCache {
 public:
  // Keeps nothing of `secret` unless there is a key. Errors: those of CacheDirectory::open and
  // CacheKey::read.
  [[nodiscard]] static Result<std::unique_ptr<DiskCache>> open(CacheOptions options, NamespacePatterns secret,
                                                               LogSink log);

  // ---- before the threads, or on the background thread before its first feed() ----
  // What `follow` covers: the preload list at the first call (everything when it is empty), the rest at the
  // second. The taker frees the entries.
  [[nodiscard]] std::vector<cache::Loaded> load_first(const FollowSet& follow);
  [[nodiscard]] std::vector<cache::Loaded> load_rest(const FollowSet& follow);

  // ---- the background thread ----
  // Right after the update's picture was published. Logs what the cache's thread reported.
  void feed(const SyncUpdate& update, Now now);

  // ---- the cache's thread ----
  [[nodiscard]] bool writer() const { return directory_.writer(); }  // any thread
  // Waits until something is told (a second at most) and writes it. Once `stopping` is set it does not wait,
  // and what half a second is not enough for is let go: the file keeps an older state.
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
  void tell_set(const SyncEvent& moved, Now now);
  void tell_state(const SyncEvent& state, const SyncUpdate& update, Now now);
  void write(const CacheMail& mail, const ViewStore& store);
  [[nodiscard]] Result<void> write_picture(const std::string& ns, const ViewStore& store);
  void failed(const std::string& ns, const Error& error);

  CacheDirectory directory_;
  const std::unique_ptr<const CacheKey> key_;  // null: not encrypted
  const CacheOptions options_;
  const NamespacePatterns secret_;
  LogSink log_;
  CacheWriter writer_;
  Waker waker_;
  CacheMailbox mailbox_;
  BoundedQueue<std::string> reports_;  // lines for the log, which is the background thread's
  std::optional<Epoch> epoch_;         // of what was loaded
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
  std::vector<const SyncEvent*> keys_scratch_;
  std::string body_scratch_;
  Steady note_at_{};
  std::optional<Steady> stop_at_;  // the cache's thread's
  struct {
    std::atomic<std::uint64_t> loaded{0}, dropped{0}, torn{0}, pictures{0}, steps{0}, failures{0};
  } counters_;
};

}  // namespace prismbus
