// The machine with a validator that refuses even values of "k": what is shown, acknowledged and kept.
#include <catch2/catch.hpp>

#include "subscriber/view/shown_entries.hpp"
#include "tests/unit/subscriber/sync_recorder.hpp"

using namespace prismbus;
using namespace std::chrono_literals;
using Said = std::vector<std::string>;

namespace {

std::vector<Validator> no_even_values() {
  return {{"no even values", "a", {}, "**", [](const ProposedChange& c) -> std::optional<std::string> {
             if (!c.after || (c.after->bytes.back() - '0') % 2 != 0) return std::nullopt;
             return "even: " + std::string(c.after->bytes);
           }}};
}

std::string value_of(const SyncRecorder& r) {
  const View view = r.store.view();
  const auto value = view.get("a", "k");
  return value ? std::string(value->bytes) : "none";
}

std::size_t count(const SyncRecorder& r, SyncEvent::Kind kind) {
  return static_cast<std::size_t>(
      std::count_if(r.events.begin(), r.events.end(), [&](const SyncEvent& e) { return e.kind == kind; }));
}

}  // namespace

TEST_CASE("a refused change is acknowledged with its reason; seq and hash go on, the value does not (I5)") {
  SyncRecorder r({"a"}, {}, {}, no_even_values());
  r.join_live(5, 50);
  r.pass_with_beats(1001ms);
  r.answer_ack();
  r.set(6, 60);
  CHECK(value_of(r) == "5");
  CHECK(r.store.view().seq("a") == Seq(6));
  CHECK(r.state() == NamespaceState::live);
  CHECK(r.sync.counters().rejected == 1);
  REQUIRE(r.status().rejected);
  CHECK(r.status().rejected->front() == RejectedChange{"k", Seq(6), "even: 6"});
  CHECK(r.events.back().kind == SyncEvent::Kind::moved);
  CHECK(r.events.back().changes == 0);
  r.pass_with_beats(1100ms);
  CHECK(r.acks.back() == "a@6 !a/k@6:even: 6 live");
  r.answer_ack();
  r.marker(6, r.hash_now());  // the broker's hash is the replica's: no resync
  CHECK(r.said.empty());
  r.set(7, 70);
  CHECK(value_of(r) == "7");
  CHECK(r.status().rejected == nullptr);
  r.pass_with_beats(1100ms);
  CHECK(r.acks.back() == "a@7 live");
}

TEST_CASE("after a hello what still stands is told again, and not what was told and repaired") {
  SyncRecorder r({"a"}, {}, {}, no_even_values());
  r.join_live(5, 50);
  r.set(6, 60);
  r.pass_with_beats(1001ms);
  CHECK(r.acks.back() == "a@6 !a/k@6:even: 6 live");
  r.refuse_ack(ErrorCode::unauthenticated);
  r.pass_with_beats(1100ms);
  CHECK(r.acks.back() == "a@6 !a/k@6:even: 6 live");
  r.refuse_ack(ErrorCode::timeout);
  r.set(7, 70);
  r.pass_with_beats(1100ms);
  CHECK(r.acks.back() == "a@7 !a/k@6:even: 6 live");  // it did refuse seq 6, and that was not answered
  r.refuse_ack(ErrorCode::unauthenticated);
  r.pass_with_beats(1100ms);
  CHECK(r.acks.back() == "a@7 live");
}

TEST_CASE("after an ack that failed what stands is told again, for the connection may be a new one") {
  SyncRecorder r({"a"}, {}, {}, no_even_values());
  r.join_live(5, 50);
  r.set(6, 60);
  r.pass_with_beats(1001ms);
  r.answer_ack();
  r.pass_with_beats(10'001ms);
  CHECK(r.acks.back() == "live");
  r.refuse_ack(ErrorCode::overloaded);  // nothing was done, and it knows us
  r.pass_with_beats(10'001ms);
  CHECK(r.acks.back() == "live");
  r.refuse_ack(ErrorCode::timeout);
  r.pass_with_beats(1100ms);
  CHECK(r.acks.back() == "!a/k@6:even: 6 live");
}

TEST_CASE("a first snapshot and what a cache held are judged too: the key is absent") {
  SyncRecorder first({"a"}, {}, {}, no_even_values());
  first.join_live(4, 40);
  CHECK(value_of(first) == "none");
  CHECK(first.store.view().seq("a") == Seq(4));
  CHECK(first.store.view().in("a")->size() == 0);
  first.set(5, 50);
  CHECK(value_of(first) == "5");

  SyncRecorder kept({"a"}, {}, {}, no_even_values());
  KnownNamespace known;
  known.epoch = Epoch(7);
  known.ns = "a";
  Garbage garbage;
  Entry entry;
  entry.key = "k";
  entry.value = "8";
  entry.rev = Revision(80);
  known.copy.insert(entry, garbage);
  known.copy.seq = Seq(8);
  REQUIRE(kept.sync.restore(std::move(known), kept.now));
  kept.take();
  CHECK(value_of(kept) == "none");
  CHECK(kept.status().rejected->front().seq == Seq(8));
  kept.greet();
  kept.barrier();
  kept.answer(ChangesReply{}, 80);
  kept.pass_with_beats(1001ms);
  CHECK(kept.acks.back().starts_with("a@8 !a/k@8:even: 8"));
}

TEST_CASE("a resync keeps what readers saw, and asks anew (I6)") {
  SyncRecorder r({"a"}, {}, {}, no_even_values());
  r.join_live(5, 50);
  r.set(6, 60);
  r.marker(6, r.hash_now() + 1);
  REQUIRE(r.said == Said{"snapshot a"});
  SnapshotReply chunk;
  Entry entry;
  entry.ns = "a";
  entry.key = "k";
  entry.value = "6";
  entry.rev = Revision(60);
  chunk.entries.push_back(entry);
  Head head;
  head.seq = Seq(6);
  head.rev = Revision(60);
  chunk.heads.emplace_back("a", head);
  r.events.clear();
  r.answer(std::move(chunk), 60);
  r.answer(ChangesReply{}, 60);
  CHECK(r.state() == NamespaceState::live);
  CHECK(value_of(r) == "5");
  CHECK(r.status().resyncs == 1);
  CHECK(count(r, SyncEvent::Kind::moved) == 1);
}

TEST_CASE("a subtree's namespace that is no more takes what was kept back with it") {
  SyncRecorder r({}, {"a"}, {}, no_even_values());
  r.greet();
  SnapshotReply chunk;
  Entry entry;
  entry.ns = "a";
  entry.key = "k";
  entry.value = "5";
  entry.rev = Revision(50);
  chunk.entries.push_back(entry);
  Head head;
  head.seq = Seq(5);
  head.rev = Revision(50);
  chunk.heads.emplace_back("a", head);
  r.answer(std::move(chunk), 50);
  r.barrier();
  r.answer(ChangesReply{}, 50);
  r.set(6, 60);
  CHECK(r.status().kept.size() == 1);
  r.greet(2, 8);  // another history, in which nothing was written
  r.sync.on_answer(r.questions.front(), {Epoch(8), Revision(1), SyncReply(SnapshotReply{})}, r.now);
  r.questions.clear();
  r.take();
  r.sync.on_barrier(Lane::changes, r.barrier_topic[0], {Epoch(8), Run(2), Revision()}, r.now);
  r.take();
  REQUIRE(r.questions.size() == 1);
  r.sync.on_answer(r.questions.front(), {Epoch(8), Revision(1), SyncReply(ChangesReply{})}, r.now);
  r.take();
  CHECK_FALSE(r.status().shown);
  CHECK(r.status().kept.size() == 0);
}
