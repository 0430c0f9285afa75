#include "broker/core/chunk_cache.hpp"

#include "broker/core/pages.hpp"
#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

// A hall whose snapshots are answered with and without the cache; both must say the same.
struct CacheDesk : testing::Hall {
  const AccessPtr everything = Access::everything();
  explicit CacheDesk(std::size_t bytes_max = 1 << 20) : cache(bytes_max) {}
  SnapshotReply ask(SnapshotRequest request) {
    request.max_bytes = 100;
    const ReadView view(recent.snapshot(), view_state, view_journal);
    const codec::ReplyHead head{{false, 1}, store.journal.meta().epoch, view.rev()};
    const std::string cached = answer_snapshot(view, head, request, *everything, &cache);
    CHECK(cached == answer_snapshot(view, head, request, *everything, nullptr));
    const auto header = codec::decode_reply(cached);
    CHECK(header->rev == view.rev());
    return *codec::decode_snapshot_reply(*header);
  }
  // A whole snapshot, chunk by chunk; how many.
  int join(std::string_view under) {
    SnapshotRequest request;
    request.under = under;
    std::optional<std::string> after;
    for (int chunks = 1;; ++chunks) {
      if (after) request.after = *after;
      const SnapshotReply chunk = ask(request);
      if (!chunk.more) return chunks;
      after = chunk.after;
    }
  }
  StateReader view_state{store.state};
  JournalReader view_journal{store.journal};
  ChunkCache cache;
};

}  // namespace

TEST_CASE("a cached chunk is what would be read now, at the present revision (I5 I9)") {
  CacheDesk desk;
  for (const char* ns : {"a", "a.b", "b", "c"}) {
    for (const char* key : {"k1", "k2", "k3"}) desk.put(ns, key, "\xa9some text");
  }
  const auto chunks = static_cast<std::uint64_t>(desk.join(""));
  REQUIRE(chunks > 3);
  CHECK(desk.cache.hits() == 0);
  CHECK(desk.cache.misses() == chunks);
  desk.join("");
  CHECK(desk.cache.hits() == chunks);
  desk.put("z", "k");  // beyond every chunk but the last
  desk.join("");
  CHECK(desk.cache.hits() == 2 * chunks - 1);
  desk.put("b", "k2", "\xa3new");
  const auto before = desk.cache.hits();
  desk.join("");
  CHECK(desk.cache.hits() > before);
  CHECK(desk.cache.misses() > chunks + 1);
  desk.fold();
  desk.join("");
  desk.join("a");
  desk.put("a.bb", "k");  // a new namespace between two that a chunk covers
  desk.join("a");
  desk.del("a", "k1");
  desk.join("a");
  desk.join("");
}

TEST_CASE("a namespace that never was is cached as such until it is") {
  CacheDesk desk;
  SnapshotRequest request;
  request.ns = "never";
  CHECK(desk.ask(request).heads.size() == 1);
  CHECK(desk.ask(request).heads.front().second.seq == Seq(0));
  CHECK(desk.cache.hits() == 1);
  desk.put("never", "k");
  CHECK(desk.ask(request).heads.front().second.seq == Seq(1));
  CHECK(desk.cache.hits() == 1);
}

TEST_CASE("the cache keeps to its bytes; what was not used for longest goes first (I8)") {
  CacheDesk desk(1000);
  for (const char* ns : {"a", "b", "c", "d", "e"}) desk.put(ns, "k", "\xa9some text");
  const auto ask = [&](std::string_view ns) {
    SnapshotRequest request;
    request.ns = ns;
    desk.ask(request);
    CHECK(desk.cache.bytes() <= 1000);
  };
  ask("a");
  ask("b");
  ask("a");
  REQUIRE(desk.cache.hits() == 1);
  ask("c");
  ask("d");
  ask("e");
  REQUIRE(desk.cache.bytes() > 0);
  const auto hits = desk.cache.hits();
  ask("b");
  CHECK(desk.cache.hits() == hits);
  ask("b");
  CHECK(desk.cache.hits() == hits + 1);
  CacheDesk none(0);
  none.put("a", "k");
  none.join("");
  CHECK(none.cache.bytes() == 0);
}

TEST_CASE("transactions read from the journal are kept within their bytes") {
  const auto txn = [](std::uint64_t rev) {
    auto made = std::make_shared<StoredTransaction>();
    made->rev = Revision(rev);
    made->sets.push_back(std::make_unique<StoredSet>());
    made->sets.back()->encoded = std::string(600, 'x');
    return TransactionPtr(made);
  };
  const std::size_t three = 3 * txn(1)->memory_bytes();
  TransactionCache cache(three);
  CHECK(cache.find(Revision(1)) == nullptr);
  for (std::uint64_t rev = 1; rev <= 3; ++rev) cache.put(txn(rev));
  CHECK(cache.find(Revision(1)) != nullptr);
  for (std::uint64_t rev = 4; rev <= 5; ++rev) cache.put(txn(rev));
  CHECK(cache.bytes() == three);
  CHECK(cache.find(Revision(2)) == nullptr);
  CHECK(cache.find(Revision(5)) != nullptr);
  CHECK(cache.hits() == 2);
  CHECK(cache.misses() == 2);
}

}  // namespace prismbus
