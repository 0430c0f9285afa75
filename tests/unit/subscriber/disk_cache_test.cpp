// The cache of a subscriber as its two threads step it, here one after the other: who takes over from a
// writer that ended and with what, and what leaves the disk.
#include "subscriber/cache/disk_cache.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <optional>

#include "tests/unit/subscriber/cache_samples.hpp"
#include "tests/unit/subscriber/sync_recorder.hpp"

using namespace prismbus;
using namespace prismbus::test;
using namespace std::chrono_literals;

namespace {

CacheOptions options_of(const CacheScratch& scratch) {
  CacheOptions options;
  options.directory = scratch.cache();
  return options;
}

// A subscriber to "a" with a cache: the machine, the picture, the cache.
struct Process : SyncRecorder {
  explicit Process(const CacheScratch& scratch, std::vector<std::string> namespaces = {"a"})
      : SyncRecorder(namespaces) {
    now = read_clock();
    const FollowSet follow = FollowSet::make(std::move(namespaces), {}).value();
    cache = DiskCache::open(options_of(scratch), {}, {}).value();
    for (cache::Loaded& one : cache->load_first(follow)) {
      (void)sync.restore({one.epoch, one.ns, std::move(one.copy), Rung::disk, one.seen}, now);
    }
    take();
    shown = [this](const SyncUpdate& update) {
      if (!cache) return;
      const View view = store.view();
      cache->feed(update, ViewStore::root_of(view), now);
    };
    take();
  }
  ~Process() override { shown = nullptr; }
  void write() {  // a step of the cache's thread
    cache->wake();
    cache->step(store, stopping);
  }
  void write_all() {
    take();
    write();
  }
  void sets(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t seq = first; seq <= last; ++seq) set(seq, seq * 10);
  }
  void lose_broker() {
    sync.on_lost(fail(ErrorCode::unavailable, "gone").value(), now);
    take();
  }
  [[nodiscard]] CacheStatus told() const { return cache->status(); }

  std::unique_ptr<DiskCache> cache;
  std::atomic<bool> stopping{false};
};

struct OnDisk {
  std::uint64_t seq = 0;  // 0: nothing
  std::string value;
  bool whole = false;
  friend bool operator==(const OnDisk&, const OnDisk&) = default;
};

OnDisk on_disk(const CacheScratch& scratch, const std::string& ns = "a") {
  const auto directory = CacheDirectory::open(scratch.cache()).value();
  OnDisk out;
  for (cache::Loaded& loaded : load_cache(directory, {cache_file_name(ns)}).namespaces) {
    out = {loaded.copy.seq.value(), content_of(loaded.copy)["k"].value, loaded.whole};
    release(loaded.copy);
  }
  return out;
}

OnDisk whole(std::uint64_t seq) {
  return {seq, std::to_string(seq), true};
}

}  // namespace

TEST_CASE("a reader takes over when the writer has ended, not before, and goes on with its file (I5)") {
  const CacheScratch scratch;
  Process first(scratch), second(scratch);
  for (Process* p : {&first, &second}) p->join_live(5, 50);
  first.write();
  second.write();
  CHECK(on_disk(scratch) == whole(5));
  CHECK_FALSE(second.told().writer);
  first.set(6, 60);
  first.write();
  second.set(6, 60);
  first.cache.reset();  // ended, and everything it knew is on disk
  second.write();
  CHECK(second.told().writer);
  second.write_all();
  CHECK(second.told().pictures == 0);  // nothing to write: the file is whole and holds it
  second.set(7, 70);
  second.write();
  CHECK(second.told().steps == 1);
  CHECK(on_disk(scratch) == whole(7));
  CHECK_FALSE(Process(scratch).told().writer);
}

TEST_CASE("a reader that is ahead of what the writer left writes its own picture (I5)") {
  const CacheScratch scratch;
  Process first(scratch), second(scratch);
  for (Process* p : {&first, &second}) p->join_live(5, 50);
  first.write();
  SECTION("the file is whole") {}
  SECTION("the file ends in the middle of a record") {
    first.set(6, 60);
    first.write();
    std::filesystem::resize_file(scratch.file("a"), std::filesystem::file_size(scratch.file("a")) - 3);
    CHECK(on_disk(scratch) == OnDisk{5, "5", false});
  }
  SECTION("the file is damaged from the beginning") {
    spill(scratch.file("a"), "not a cache");
  }
  first.cache.reset();
  second.sets(6, 9);
  second.write();
  second.write_all();
  CHECK(second.told().pictures == 1);
  CHECK(on_disk(scratch) == whole(9));
  second.set(10, 100);
  second.write();
  CHECK(on_disk(scratch) == whole(10));
}

TEST_CASE("a reader that is behind what the writer left keeps it until it has caught up (I5)") {
  const CacheScratch scratch;
  Process first(scratch), second(scratch);
  for (Process* p : {&first, &second}) p->join_live(5, 50);
  first.write();
  SECTION("live: its broker is behind") {}
  SECTION("stale: its broker is away") {
    second.lose_broker();
  }
  first.sets(6, 8);
  first.write();
  const bool torn = GENERATE(false, true);
  if (torn) {
    std::filesystem::resize_file(scratch.file("a"), std::filesystem::file_size(scratch.file("a")) - 3);
  }
  first.cache.reset();
  second.write();
  second.write_all();
  CHECK(second.told().writer);
  CHECK(second.told().pictures == 0);
  CHECK(on_disk(scratch) == (torn ? OnDisk{7, "7", false} : whole(8)));
  if (second.state() == NamespaceState::stale) return;
  for (std::uint64_t seq = 6; seq <= 9; ++seq) {
    second.set(seq, seq * 10);
    second.write();
    CHECK(on_disk(scratch).seq >= 7);
    CHECK(on_disk(scratch).seq >= seq);
  }
  CHECK(on_disk(scratch) == whole(9));
}

TEST_CASE("what the writer left of another history stays when it was current after the reader's picture") {
  const CacheScratch scratch;
  const bool later = GENERATE(false, true);
  auto directory = std::make_optional(CacheDirectory::open(scratch.cache()).value());
  Process reader(scratch);
  CacheWriter writer(*directory);
  std::mt19937_64 random(1);
  CachedNamespace other("a", Epoch(8));
  (void)other.step(random, {});
  REQUIRE(other.write_picture(writer, read_clock().wall - (later ? 0h : 1h)));
  if (later) reader.now.steady -= 1h;
  reader.join_live(5, 50);
  reader.lose_broker();
  directory.reset();
  reader.write();
  reader.write_all();
  CHECK(reader.told().writer);
  CHECK(reader.told().pictures == (later ? 0 : 1));
  if (!later) CHECK(on_disk(scratch) == whole(5));
}

TEST_CASE("a takeover leaves alone what this reader does not follow") {
  const CacheScratch scratch;
  Process first(scratch), second(scratch, {"b"});
  first.join_live(5, 50);
  first.write();
  first.cache.reset();
  second.write();
  second.write_all();
  CHECK(second.told().writer);
  CHECK(on_disk(scratch) == whole(5));
}

TEST_CASE(
    "what the broker refuses this subscriber leaves the disk, and comes back when it may be read again") {
  const CacheScratch scratch;
  {
    Process p(scratch);
    p.join_live(5, 50);
    p.write();
  }
  CHECK(on_disk(scratch) == whole(5));
  Process p(scratch);
  CHECK(p.told().loaded == 1);
  p.greet();
  p.barrier();
  p.refuse(ErrorCode::permission_denied);
  CHECK(p.state() == NamespaceState::stale);
  p.write();
  CHECK_FALSE(std::filesystem::exists(scratch.file("a")));
  p.set(6, 60);  // the stream carries it to everybody
  p.write();
  CHECK_FALSE(std::filesystem::exists(scratch.file("a")));
  p.greet();
  p.barrier();
  p.answer(ChangesReply{}, 60);
  CHECK(p.state() == NamespaceState::live);
  p.write();
  CHECK(on_disk(scratch) == whole(6));
}

TEST_CASE("a disk that takes nothing is tried again after a pause, with one picture of all that was told") {
  const CacheScratch scratch;
  Process p(scratch);
  const std::string in_the_way = scratch.cache() + "/partial";  // where a file is written before it counts
  std::filesystem::create_directory(in_the_way);
  p.join_live(5, 50);
  p.write();
  CHECK(p.told().failures == 1);
  p.sets(6, 20);
  p.write();
  CHECK(p.told().failures == 1);
  CHECK(on_disk(scratch) == OnDisk{});
  std::filesystem::remove(in_the_way);
  const Steady end = read_clock().steady + 20s;
  while (p.told().pictures < 2 && read_clock().steady < end) p.cache->step(p.store, p.stopping);
  CHECK(on_disk(scratch) == whole(20));
  p.set(21, 210);
  p.write();
  CHECK(on_disk(scratch) == whole(21));
  CHECK(p.told().failures == 1);
}
