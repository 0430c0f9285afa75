// The machine's acknowledgements, one rule of the contract at a time (PROTOCOL section 6, point 5).
#include <catch2/catch.hpp>

#include "tests/unit/subscriber/sync_recorder.hpp"

using namespace prismbus;
using namespace std::chrono_literals;
using Said = std::vector<std::string>;

namespace {

Head head_at(std::uint64_t seq, std::uint64_t rev) {
  Head head;
  head.seq = Seq(seq);
  head.rev = Revision(rev);
  return head;
}

}  // namespace

TEST_CASE("what was applied is acknowledged: everything after the join, then what changed") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.pass_with_beats(1001ms);
  REQUIRE(r.acks.size() == 1);
  CHECK(r.acks[0] == "a@5 live");
  r.answer_ack();
  r.set(6, 60);
  r.set(7, 70);
  r.pass_with_beats(1100ms);
  r.answer_ack();
  CHECK(r.acks.back() == "a@7 live");
  const std::size_t before = r.acks.size();
  r.pass_with_beats(9000ms);
  CHECK(r.acks.size() == before);
  r.pass_with_beats(1000ms);
  CHECK(r.acks.size() == before + 1);
  CHECK(r.acks.back() == "live");
}

TEST_CASE("the first ack waits until all is caught up, but not for ever for what is not") {
  SyncRecorder r({"a", "b"});
  r.join_live(5, 50);  // and nothing is known of b
  r.pass_with_beats(4900ms);
  CHECK(r.acks.empty());
  r.pass_with_beats(200ms);
  CHECK(r.acks == Said{"catching_up"});
}

TEST_CASE("a lost tail that `behind` tells of is asked for when it is still missing after a second (I6)") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.pass_with_beats(1001ms);
  r.answer_ack({{"a", head_at(8, 80)}});
  r.pass_with_beats(990ms);
  CHECK(r.said.empty());
  CHECK(r.state() == NamespaceState::live);
  r.pass_with_beats(20ms);
  CHECK(r.said == Said{"changes a@5"});
  CHECK(r.sync.counters().behind == 1);
}

TEST_CASE("a tail that comes within the second asks nothing, and is told with the next ack") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.pass_with_beats(1001ms);
  r.answer_ack({{"a", head_at(6, 60)}});
  r.set(6, 60);
  r.pass_with_beats(2000ms);
  CHECK(r.said.empty());
  CHECK(r.acks.back() == "a@6 live");
}

TEST_CASE("what `behind` names although it is reached is told again") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.pass_with_beats(1001ms);
  r.answer_ack();
  r.pass_with_beats(10'001ms);
  CHECK(r.acks.back() == "live");
  Head head = head_at(5, 50);
  head.hash = r.hash_now();
  r.answer_ack({{"a", head}});
  r.pass_with_beats(1001ms);
  CHECK(r.acks.back() == "a@5 live");
  CHECK(r.said.empty());
}

TEST_CASE("a broker that does not know the connection is told everything") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  r.pass_with_beats(1001ms);
  r.answer_ack();
  r.pass_with_beats(10'001ms);
  CHECK(r.acks.back() == "live");
  r.refuse_ack(ErrorCode::unauthenticated);
  r.pass_with_beats(1001ms);
  CHECK(r.acks.back() == "a@5 live");
}

TEST_CASE("while acks are answered heads are not asked for; with a broker that takes none they are") {
  SyncRecorder r({"a"});
  r.join_live(5, 50);
  for (int i = 0; i < 60; ++i) {
    r.pass_with_beats(1500ms);
    if (r.ack_tag != 0) r.answer_ack();
  }
  CHECK(r.said.empty());

  SyncRecorder old({"a"});
  old.join_live(5, 50);
  old.pass_with_beats(1001ms);
  old.refuse_ack(ErrorCode::unsupported);
  const std::size_t acks = old.acks.size();
  old.pass_with_beats(46s);
  CHECK(old.acks.size() == acks);
  CHECK(old.said == Said{"changes a@5"});
}
