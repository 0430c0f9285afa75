// The machine that begins with what disk or a seed held: joined by changes, never hidden as current, and what
// happens when it grows too old.
#include <catch2/catch.hpp>

#include "subscriber/sync/sync_state.hpp"
#include "tests/unit/subscriber/sync_recorder.hpp"

using namespace prismbus;
using namespace std::chrono_literals;
using Said = std::vector<std::string>;

namespace {

KnownNamespace known(std::string ns, std::uint64_t seq, Wall seen, std::uint64_t epoch = 7) {
  KnownNamespace out;
  out.epoch = Epoch(epoch);
  out.ns = std::move(ns);
  out.seen = seen;
  Garbage garbage;
  Entry entry;
  entry.key = "k";
  entry.value = "v";
  entry.rev = Revision(seq * 10);
  entry.version = 1;
  out.copy.insert(entry, garbage);
  garbage.release_all();
  out.copy.seq = Seq(seq);
  out.copy.rev = Revision(seq * 10);
  return out;
}

struct Restored : SyncRecorder {
  explicit Restored(std::vector<std::string> namespaces, std::vector<std::string> subtrees = {},
                    std::vector<StalenessRule> rules = {})
      : SyncRecorder(std::move(namespaces), std::move(subtrees), std::move(rules)) {
    now.wall = from_micros(5'000'000'000);
  }
  bool restore(KnownNamespace&& n) {
    const bool used = sync.restore(std::move(n), now);
    take();
    return used;
  }
};

}  // namespace

TEST_CASE("what was restored is shown as stale, of its rung, with its age, and told like a first snapshot") {
  Restored r({"a"});
  CHECK(r.restore(known("a", 5, r.now.wall - 3s)));
  CHECK(r.state() == NamespaceState::stale);
  CHECK(r.store.view().seq("a") == Seq(5));
  CHECK(r.store.view().in("a")->rung() == Rung::disk);
  CHECK(r.store.view().in("a")->age(r.now.steady) == 3000ms);
  REQUIRE(r.events.size() == 3);
  CHECK(r.events[0].kind == SyncEvent::Kind::key);
  CHECK_FALSE(r.events[1].resync);
}

TEST_CASE("a time to come in a file is an age, not freshness: a clock was wrong by as much") {
  Restored r({"a"}, {}, {{"", StalenessPolicy::refuse, 5s}});
  CHECK(r.restore(known("a", 5, r.now.wall + 1h)));
  CHECK(r.status().refused);
  CHECK(r.events.back().age == 1h);

  Restored far({"a"});
  CHECK(far.restore(known("a", 5, Wall::max())));
  CHECK(far.store.view().in("a")->age(far.now.steady) >= 24h * 365);
}

TEST_CASE(
    "of the same history only the changes since are asked, then it is live and of the rung memory (I5)") {
  Restored r({"a"});
  r.restore(known("a", 5, r.now.wall));
  r.greet();
  CHECK(r.said == Said{"open changes", "subscribe heartbeat", "subscribe a/", "subscribe barrier"});
  r.said.clear();
  r.barrier();
  CHECK(r.said == Said{"changes a@5"});
  r.answer(ChangesReply{}, 60);
  CHECK(r.state() == NamespaceState::live);
  CHECK(r.store.view().in("a")->rung() == Rung::memory);
  CHECK(r.sync.counters().resyncs == 0);
  r.set(6, 61);
  CHECK(r.store.view().seq("a") == Seq(6));
}

TEST_CASE("of another history everything is read anew; what was restored stays readable until then (I6)") {
  Restored r({"a"});
  r.restore(known("a", 5, r.now.wall, 6));
  r.greet();
  CHECK(r.said.back() == "snapshot a");
  CHECK(r.store.view().seq("a") == Seq(5));
}

TEST_CASE("the first epoch restored counts; others, strangers and what is shown already are refused") {
  Restored r({"a", "b"});
  CHECK(r.restore(known("a", 5, r.now.wall)));
  CHECK_FALSE(r.restore(known("a", 9, r.now.wall)));
  CHECK_FALSE(r.restore(known("b", 5, r.now.wall, 8)));
  CHECK_FALSE(r.restore(known("c", 5, r.now.wall)));
  CHECK(r.store.view().namespaces() == Said{"a"});
}

TEST_CASE("a restored subtree is surveyed; what it lacked is read as a snapshot of its own (I6)") {
  Restored r({}, {"a"});
  r.restore(known("a", 5, r.now.wall));
  r.restore(known("a.b", 2, r.now.wall));
  r.greet();
  r.barrier();
  CHECK(r.said.back() == "namespaces");
  r.said.clear();
  NamespacesReply survey;
  for (const auto& [ns, seq] : {std::pair("a", 5u), std::pair("a.b", 3u), std::pair("a.c", 9u)}) {
    NamespaceRow row;
    row.ns = ns;
    row.head = {Seq(seq), Revision(seq * 10), {}, 0, Lane::changes};
    if (row.ns == "a") row.head.hash = *r.store.view().hash("a");
    survey.namespaces.push_back(row);
  }
  r.answer(survey, 90);
  CHECK(r.said == Said{"snapshot a.c", "changes a.b@2"});
  CHECK_FALSE(r.store.view().in("a.c"));
  CHECK(r.state("a") == NamespaceState::live);
}

TEST_CASE("a restored subtree that is ahead of the broker is no agreement: its changes are asked for (I6)") {
  Restored r({}, {"a"});
  r.restore(known("a", 5, r.now.wall));
  r.greet();
  r.barrier();
  r.said.clear();
  NamespacesReply survey;
  NamespaceRow row;
  row.ns = "a";
  row.head = {Seq(3), Revision(30), {}, 0, Lane::changes};
  survey.namespaces.push_back(row);
  r.answer(survey, 90);
  CHECK(r.said == Said{"changes a@5"});
  CHECK(r.state("a") != NamespaceState::live);
  r.refuse(ErrorCode::other_history);
  CHECK(r.said == Said{"changes a@5", "snapshot a"});
}

TEST_CASE("a stale namespace is warned of once, until it was live again") {
  Restored r({"a"}, {}, {{"", StalenessPolicy::warn, 5s}});
  r.join_live(5, 50);
  r.sync.on_lost(fail(ErrorCode::unavailable, "gone").value(), r.now);
  r.take();
  r.events.clear();
  r.pass(4999ms);
  CHECK(r.events.empty());
  r.pass(20s);
  REQUIRE(r.events.size() == 1);
  CHECK(r.events[0].kind == SyncEvent::Kind::stale);
  CHECK(r.events[0].age >= 5s);
  CHECK_FALSE(r.events[0].refused);
  CHECK(r.store.view().in("a"));
}

TEST_CASE("a namespace over its age is refused to readers, at once after a restart, until it is live again") {
  Restored r({"a", "b"}, {}, {{"b", StalenessPolicy::serve, 0ms}, {"", StalenessPolicy::refuse, 5s}});
  r.restore(known("a", 5, r.now.wall - 4s));
  r.restore(known("b", 5, r.now.wall - 1h));
  CHECK(r.store.view().in("a"));
  CHECK(r.store.view().in("b"));
  r.pass(1001ms);
  CHECK_FALSE(r.store.view().in("a"));
  CHECK_FALSE(r.store.view().get("a", "k"));
  CHECK(r.store.view().in("b"));
  r.greet();
  r.barrier();
  r.answer(ChangesReply{}, 60);
  CHECK(r.store.view().in("a"));
  CHECK(r.state("a") == NamespaceState::live);

  Restored late({"a"}, {}, {{"a", StalenessPolicy::refuse, 5s}});
  late.restore(known("a", 5, late.now.wall - 6s));
  CHECK_FALSE(late.store.view().in("a"));
}
