// The machine, one rule of the contract at a time (PROTOCOL sections 5 and 6). The bad network is
// tests/model's.
#include "subscriber/sync/sync_state.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "subscriber/picture_status.hpp"
#include "tests/unit/subscriber/sync_recorder.hpp"

using namespace prismbus;
using namespace std::chrono_literals;
using Said = std::vector<std::string>;

TEST_CASE("a join subscribes, the barrier last, reads a snapshot, then asks changes after the barrier") {
  SyncRecorder r({"a"});
  r.greet();
  CHECK(r.said ==
        Said{"open changes", "subscribe heartbeat", "subscribe a/", "subscribe barrier", "snapshot a"});
  r.said.clear();
  SnapshotReply chunk;
  chunk.heads.emplace_back("a", Head{Seq(3), Revision(9), {}, 0, Lane::changes});
  r.answer(chunk, 9);
  CHECK(r.said.empty());  // the barrier has not come
  CHECK(r.state() == NamespaceState::joining);
  r.barrier();
  CHECK(r.said == Said{"changes a@3"});
  r.answer(ChangesReply{}, 9);
  CHECK(r.state() == NamespaceState::live);
  CHECK(r.store.view().seq("a") == Seq(3));
}

TEST_CASE("nothing is shown before everything up to the last chunk's revision was applied") {
  SyncRecorder r({"a"});
  r.greet();
  SnapshotReply first;
  first.heads.emplace_back("a", Head{Seq(3), Revision(9), {}, 0, Lane::changes});
  first.more = true;
  first.after = "cursor";
  r.answer(first, 9);
  r.answer(SnapshotReply{}, 12);
  r.barrier();
  r.answer(ChangesReply{}, 11);  // a broker behind the one that gave the last chunk
  CHECK_FALSE(r.store.view().in("a"));
  r.pass(150ms);
  r.answer(ChangesReply{}, 12);
  CHECK(r.store.view().in("a"));
}

TEST_CASE("a missing seq waits 75 ms for the other lane, then changes are asked (I6)") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.set(7, 70);
  r.pass(74ms);
  CHECK(r.said.empty());
  CHECK(r.store.view().seq("a") == Seq(5));
  r.pass(2ms);
  CHECK(r.said == Said{"changes a@5"});
  CHECK(r.state() == NamespaceState::catching_up);
}

TEST_CASE("a missing seq that comes in time asks nothing") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.set(7, 70);
  r.set(6, 60);
  CHECK(r.store.view().seq("a") == Seq(7));
  r.pass(500ms);
  CHECK(r.said.empty());
  CHECK(r.state() == NamespaceState::live);
}

TEST_CASE("sets already applied are ignored, events are told once") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.set(6, 60);
  r.set(6, 60);
  r.set(5, 50);
  CHECK(r.events.size() == 2);  // one key, one move
}

TEST_CASE("a marker ahead asks changes at once: the tail was lost") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.marker(6, 1);
  CHECK(r.said == Said{"changes a@5"});
}

TEST_CASE("an equal seq with another hash takes a snapshot, the same one not again for 60 s (I6)") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.marker(5, r.hash_now());
  CHECK(r.said.empty());
  r.marker(5, 123);
  CHECK(r.said == Said{"snapshot a"});
  SnapshotReply chunk;
  chunk.heads.emplace_back("a", Head{Seq(5), Revision(50), {}, 0, Lane::changes});
  r.answer(chunk, 50);
  r.answer(ChangesReply{}, 50);
  CHECK(r.status().resyncs == 1);
  CHECK(r.status().why->find("hash") != std::string::npos);
  r.said.clear();
  r.marker(5, 123);
  CHECK(r.said.empty());
  r.now.steady += 61s;
  r.marker(5, 123);
  CHECK(r.said == Said{"snapshot a"});
}

TEST_CASE("what a snapshot did not make equal to the broker is looked at again, acks or not (I6)") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.marker(5, 123);
  Head head{Seq(5), Revision(50), {}, 123, Lane::changes};
  SnapshotReply chunk;
  chunk.heads.emplace_back("a", head);
  r.answer(chunk, 50);
  ChangesReply same;
  same.heads.emplace_back("a", head);
  r.answer(same, 50);
  r.said.clear();
  const auto pass_with_acks = [&](std::chrono::seconds time) {
    for (const Steady end = r.now.steady + time; r.now.steady < end;) {
      r.pass_with_beats(1s);
      if (r.ack_tag != 0) r.answer_ack();
    }
  };
  pass_with_acks(46s);
  CHECK(r.said == Said{"changes a@5"});
  r.answer(same, 50);
  pass_with_acks(46s);
  r.answer(same, 50);
  CHECK(r.said == Said{"changes a@5", "changes a@5", "snapshot a"});
}

TEST_CASE("a set that must be understood and is not stops the namespace there, and says so") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.set(6, 60, {"sealed-differently"});
  r.set(7, 70);
  CHECK(r.store.view().seq("a") == Seq(5));
  CHECK(r.state() == NamespaceState::stale);
  CHECK(r.status().why->find("sealed-differently") != std::string::npos);
}

TEST_CASE("a second barrier frame re-joins, keeping the state, with changes since the applied seq") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.barrier();
  CHECK(r.state() == NamespaceState::catching_up);
  r.pass(200ms);
  CHECK(r.said == Said{"hello"});
  r.said.clear();
  r.greet();
  CHECK(r.said == Said{"unsubscribe", "subscribe barrier"});
  r.barrier();
  CHECK(r.said.back() == "changes a@5");
  CHECK(r.store.view().seq("a") == Seq(5));
}

TEST_CASE("a heartbeat of another run only makes the machine ask hello") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.sync.on_heartbeat(Lane::changes, {Epoch(7), Run(2), Revision(50), 1000, {}}, r.now);
  r.pass(200ms);
  CHECK(r.said == Said{"hello"});
  CHECK(r.store.view().seq("a") == Seq(5));
}

TEST_CASE("a silent stream is dead after three intervals: hello, then a new socket") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.pass(2900ms);
  CHECK(r.said.empty());
  r.pass(2500ms);
  CHECK(r.said == Said{"hello"});
  r.said.clear();
  r.greet();
  CHECK(r.said.front() == "open changes");
}

TEST_CASE("another epoch: the old picture stays readable until the new snapshot replaces it whole") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.greet(1, 8);
  CHECK(r.said.back() == "snapshot a");
  CHECK(r.store.view().seq("a") == Seq(5));
  CHECK(r.state() == NamespaceState::catching_up);
}

TEST_CASE("compacted changes lead to a snapshot of that namespace alone") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.marker(9, 1);
  r.said.clear();
  r.refuse(ErrorCode::compacted);
  CHECK(r.said == Said{"snapshot a"});
}

TEST_CASE("a set told by the stream that the broker then does not have is dropped, once") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.set(900, 70);
  r.pass(100ms);
  REQUIRE(r.said == Said{"changes a@5"});
  r.answer(ChangesReply{}, 60);
  CHECK(r.sync.counters().bogus == 1);
  CHECK(r.state() == NamespaceState::live);
  r.said.clear();
  r.set(6, 61);
  CHECK(r.store.view().seq("a") == Seq(6));
}

TEST_CASE("a head on the express lane opens that lane, and changes wait for its barrier") {
  SyncRecorder r({"a"});
  r.greet();
  r.barrier();
  r.said.clear();
  SnapshotReply chunk;
  chunk.heads.emplace_back("a", Head{Seq(3), Revision(9), {}, 0, Lane::express});
  r.answer(chunk, 9);
  CHECK(r.said == Said{"open express", "subscribe heartbeat", "subscribe a/", "subscribe barrier"});
  r.barrier(Lane::express);
  CHECK(r.said.back() == "changes a@3");
}

TEST_CASE("a namespace that moves to an express lane just being opened asks changes after its barrier too") {
  SyncRecorder r({"a", "b"});
  r.greet();
  r.barrier();
  SnapshotReply chunk;  // each takes its own of the two
  for (const char* ns : {"a", "b"})
    chunk.heads.emplace_back(ns, Head{Seq(3), Revision(9), {}, 0, Lane::changes});
  r.answer(chunk, 9);
  r.answer(chunk, 9);
  while (!r.questions.empty()) r.answer(ChangesReply{}, 9);
  REQUIRE(r.state("b") == NamespaceState::live);
  const auto moved = [&](const char* ns, Lane lane) {
    ChangeSet marker;
    marker.epoch = Epoch(7);
    marker.seq = Seq(3);
    marker.hash = 0;
    marker.lane = lane;
    r.sync.on_sets(Lane::changes, ns, {marker}, r.now);
    r.take();
  };
  r.said.clear();
  moved("a", Lane::express);
  CHECK(r.said.front() == "open express");
  r.said.clear();
  moved("b", Lane::express);
  CHECK(r.said.empty());
  r.barrier(Lane::express);
  CHECK(r.said == Said{"changes a@3 b@3"});
  r.answer(ChangesReply{}, 9);
  // Once it is in force, who moves there misses nothing; who leaves keeps it open until the next join.
  r.said.clear();
  moved("a", Lane::changes);
  moved("a", Lane::express);
  moved("a", Lane::changes);
  moved("b", Lane::changes);
  CHECK(r.said.empty());
  r.greet(2);
  CHECK(std::count(r.said.begin(), r.said.end(), "close express") == 1);
}

TEST_CASE(
    "a subtree joins with changes since its first chunk's revision and re-joins with a survey of heads") {
  SyncRecorder r({}, {"a"});
  r.greet();
  CHECK(r.said == Said{"open changes", "subscribe heartbeat", "subscribe a/", "subscribe a.",
                       "subscribe barrier", "snapshot under a"});
  SnapshotReply first;
  first.heads.emplace_back("a", Head{Seq(3), Revision(9), {}, 0, Lane::changes});
  first.more = true;
  first.after = "cursor";
  r.answer(first, 9);
  SnapshotReply second;
  second.heads.emplace_back("a.b", Head{Seq(1), Revision(11), {}, 0, Lane::changes});
  r.answer(second, 11);
  r.barrier();
  CHECK(r.said.back() == "changes under a since rev 9");
  r.answer(ChangesReply{}, 11);
  CHECK(r.store.view().namespaces() == Said{"a", "a.b"});
  r.greet(1);
  r.barrier();
  CHECK(r.said.back() == "namespaces");
  NamespacesReply rows;
  rows.namespaces.push_back({"a", Head{Seq(4), Revision(12), {}, 0, Lane::changes}, 0, 0});
  rows.namespaces.push_back({"a.b", Head{Seq(1), Revision(11), {}, 0, Lane::changes}, 0, 0});
  rows.namespaces.push_back({"a.c", Head{Seq(2), Revision(13), {}, 0, Lane::changes}, 0, 0});
  r.answer(rows, 13);
  CHECK(r.said.back() == "changes a@3 a.c@0");
}

TEST_CASE("a process that stood still asks for heads at once, not at the next check (I6)") {
  SyncRecorder r({"a"});
  r.join_live(5, 60);
  r.sync.on_stall(r.now);
  r.sync.tick(r.now);
  r.take();
  CHECK(r.said == Said{"changes a@5"});
}

TEST_CASE("losing the broker keeps the picture readable and calls it stale") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.sync.on_lost(fail(ErrorCode::unavailable, "silent").value(), r.now);
  r.take();
  CHECK(r.state() == NamespaceState::stale);
  CHECK(r.store.view().get("a", "k")->bytes == "5");
}

TEST_CASE("that `hello` is refused is told until a broker answers it") {
  SyncRecorder r({"a"});
  r.sync.on_refused(fail(ErrorCode::unauthenticated, "revoked").value());
  r.take();
  const auto refused = [&r] {
    const View view = r.store.view();
    return status_of(ViewStore::root_of(view), r.now.steady).refused;
  };
  REQUIRE(refused());
  CHECK(refused()->code == ErrorCode::unauthenticated);
  {
    const View view = r.store.view();
    const auto readable = readable_in(ViewStore::root_of(view), FollowSet::make({"a"}, {}).value(), "a");
    REQUIRE_FALSE(readable);
    CHECK(readable.error().message == "a: revoked");
  }
  r.join_live(5, 50);
  r.take();
  CHECK_FALSE(refused());
}
