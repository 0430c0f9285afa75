#include "broker/core/judge.hpp"

#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

using testing::Hall;

WriteIntent txn(std::vector<TxnRequest::Do> items, std::vector<TxnRequest::If> conditions = {}) {
  WriteIntent intent;
  intent.op = WriteOp::txn;
  intent.items = std::move(items);
  intent.conditions = std::move(conditions);
  return intent;
}

Refused refused(const WriteIntent& intent, Hall& hall) {
  const Verdict verdict = judge(intent, hall.ledger, hall.recent.applied());
  REQUIRE(std::holds_alternative<Refused>(verdict));
  return std::get<Refused>(verdict);
}

}  // namespace

TEST_CASE("a comparison names the first key that differs, its revision and its index") {
  Hall hall;
  hall.put("a", "k");
  hall.put("a", "l");
  const Refused verdict = refused(
      txn({{ChangeOp::put, "a", "x", "\xc0"}}, {{"a", "k", Revision(1)}, {"a", "l", Revision(1)}}), hall);
  CHECK(verdict.error.code == ErrorCode::conflict);
  CHECK(verdict.error.key == "l");
  CHECK(verdict.error.rev == 2);
  CHECK(verdict.error.index == 1);
  CHECK(verdict.rests_on == Revision(0));
}

TEST_CASE("comparisons are judged before what is not there") {
  Hall hall;
  const auto intent = txn({{ChangeOp::del, "a", "gone", {}}}, {{"a", "k", Revision(0)}});
  CHECK(refused(intent, hall).error.code == ErrorCode::not_found);
  CHECK(refused(intent, hall).error.index == 0);
  hall.put("a", "k");
  CHECK(refused(intent, hall).error.code == ErrorCode::conflict);
}

TEST_CASE("a key is known from pending, recent and state alike") {
  Hall hall;
  hall.put("a", "folded");
  hall.fold();
  hall.put("a", "recent");
  hall.sequence({{ChangeOp::put, "a", "pending", "\xc0"}});
  for (const auto& [key, rev] : {std::pair{"folded", 1}, {"recent", 2}, {"pending", 3}}) {
    const auto fact = hall.ledger.find("a", key);
    REQUIRE(fact.has_value());
    CHECK(fact->rev == Revision(static_cast<std::uint64_t>(rev)));
    CHECK(fact->version == 1);
    CHECK((fact->rests_on != Revision(0)) == (rev == 3));
  }
  CHECK(hall.ledger.find_namespace("a")->seq == Seq(3));
  CHECK(hall.ledger.find_namespace("b")->seq == Seq(0));
}

TEST_CASE("a refusal rests on the pending write it was judged by (I2)") {
  Hall hall;
  hall.put("a", "k");
  hall.sequence({{ChangeOp::put, "a", "k", "\xc0"}});
  CHECK(refused(txn({{ChangeOp::put, "a", "k", "\xc0"}}, {{"a", "k", Revision(1)}}), hall).rests_on ==
        Revision(2));
}

TEST_CASE("a refusal also rests on the pending writes that made earlier comparisons hold (I2)") {
  Hall hall;
  hall.put("a", "k");
  hall.put("a", "l");
  hall.sequence({{ChangeOp::del, "a", "k", {}}});
  // k is absent only if revision 3 becomes durable; the comparison that fails, of l, is durable already.
  const auto by_conflict = refused(
      txn({{ChangeOp::put, "a", "x", "\xc0"}}, {{"a", "k", Revision(0)}, {"a", "l", Revision(0)}}), hall);
  CHECK(by_conflict.error.key == "l");
  CHECK(by_conflict.rests_on == Revision(3));
  const auto by_absence = refused(txn({{ChangeOp::del, "b", "none", {}}}, {{"a", "k", Revision(0)}}), hall);
  CHECK(by_absence.error.code == ErrorCode::not_found);
  CHECK(by_absence.rests_on == Revision(3));
}

TEST_CASE("a comparison with revisions that are not applied waits for the highest, once") {
  Hall hall;
  hall.put("a", "k");
  const Verdict verdict =
      judge(txn({{ChangeOp::put, "a", "k", "\xc0"}},
                {{"a", "k", Revision(5)}, {"a", "l", Revision(9)}, {"a", "m", Revision(7)}}),
            hall.ledger, hall.recent.applied());
  REQUIRE(std::holds_alternative<MustWait>(verdict));
  CHECK(std::get<MustWait>(verdict).until_applied == Revision(9));
}

TEST_CASE("a transaction counts versions, seqs and figures over pending, recent and state (I1)") {
  Hall hall;
  hall.put("a", "k", "\xa3one");
  hall.fold();
  hall.put("a", "k", "\xa3two");
  const auto third =
      hall.sequence({{ChangeOp::put, "a", "k", "\xa5three"}, {ChangeOp::put, "b", "x", "\xc0"}});
  const TxnReply outcome = outcome_of(*third);
  CHECK(outcome.versions == std::vector<std::uint64_t>{3, 1});
  REQUIRE(third->sets.size() == 2);
  CHECK(third->sets[0]->seq == Seq(3));
  CHECK(third->sets[0]->after == NamespaceFigures{entry_hash("k", Revision(3)), 1, 7});
  CHECK(third->sets[0]->changes[0].created == Revision(1));
  const auto gone = hall.sequence({{ChangeOp::del, "a", "k", {}}});
  CHECK(gone->sets[0]->after == NamespaceFigures{});
  const auto anew = hall.sequence({{ChangeOp::put, "a", "k", "\xc0"}});
  CHECK(outcome_of(*anew).versions == std::vector<std::uint64_t>{1});
  CHECK(anew->sets[0]->changes[0].created == Revision(5));
}

}  // namespace prismbus
