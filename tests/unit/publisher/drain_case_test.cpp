#include "publisher/outbox/drain_case.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

#include "proto/wire/limits.hpp"
#include "tests/unit/publisher/drain_by_hand.hpp"

using namespace prismbus;
using namespace prismbus::drain_by_hand;
using namespace std::chrono_literals;

TEST_CASE("nothing is sent under a request id that is not stored, and the base is its condition (D1)") {
  Drain d;
  d.start(put_of(kOne, Revision(4)));
  d.store_attempt();
  CHECK(d.put().if_rev == Revision(4));
  CHECK(d.put().write.n == 101);
  CHECK(d.applied(9) == Next::go_on);
  CHECK(d.outcome().kind == Kind::applied);
  CHECK(d.outcome().rev == Revision(9));
  CHECK(d.outcome().changes[0].value.empty());
}

TEST_CASE("an attempt is repeated under its id within 30 minutes, and a duplicate is no conflict (I7)") {
  Drain d;
  d.start(attempted(put_of(kOne, Revision(4)), kQueued), kQueued + 20min);
  CHECK(*d.put().write.session == kReq.session);
  CHECK(d.put().write.n == kReq.n);
  d.applied(9, true);
  CHECK(d.outcome().kind == Kind::applied);
  CHECK(d.outcome().duplicate);
  CHECK_FALSE(d.outcome().conflict);
}

TEST_CASE("later it is looked for in the history, and found there it is applied (D2)") {
  Drain d;
  d.start(attempted(put_of(kOne, Revision(4)), kQueued), kQueued + 40min);
  REQUIRE(d.asks<HistoryRequest>());
  d.history({version(12, 4, kQueued + 2min)}, true);
  REQUIRE(d.asks<HistoryRequest>());
  d.history({version(9, 3, kQueued + 1min, &kReq)});
  CHECK(d.outcome().kind == Kind::applied);
  CHECK(d.outcome().duplicate);
  CHECK(d.outcome().rev == Revision(9));
}

TEST_CASE("not there, it is written under a new id on condition of the revision just read (D2)") {
  Drain d;
  d.start(attempted(put_of(kOne), kQueued), kQueued + 40min);
  d.history({version(6, 3, kQueued - 1h)});
  REQUIRE(d.asks<GetRequest>());
  d.entry(kTwo, 6);
  d.store_attempt();
  CHECK(d.put().if_rev == Revision(6));
  CHECK(d.put().write.n == 101);
  // The first attempt arrived after all: found by its id, not applied twice.
  d.refused(ErrorCode::conflict);
  REQUIRE(d.asks<HistoryRequest>());
  d.history({version(7, 4, kQueued + 41min, &kReq)});
  CHECK(d.outcome().kind == Kind::applied);
  CHECK(d.outcome().rev == Revision(7));
}

TEST_CASE("a clock that was set back says nothing: no id is repeated by it, no search ended by it (D2)") {
  Drain d;
  d.start(attempted(put_of(kOne, Revision(4)), kQueued + 40min), kQueued + 10min);
  REQUIRE(d.asks<HistoryRequest>());
  const auto searched = [&](OutboxRecord record, Wall now) {
    d.start(std::move(record), now);
    REQUIRE(d.asks<HistoryRequest>());
    d.history({version(8, 5, kQueued - 2h)}, true);
    REQUIRE(d.asks<HistoryRequest>());
    d.history({version(7, 4, kQueued - 3h, &kReq), version(6, 3, kQueued - 4h)});
    CHECK(d.outcome().kind == Kind::applied);
    CHECK(d.outcome().rev == Revision(7));
  };
  searched(attempted(put_of(kOne), kQueued + 40min), kQueued + 10min);
  searched(attempted(put_of(kOne), kQueued - 1h), kQueued + 10min);  // set back before it was sent
  auto twice = attempted(put_of(kOne), kQueued + 40min);
  twice.attempts.push_back({{"session2", 1}, Epoch(7), kQueued + 1min, false});
  searched(twice, kQueued + 2h);
}

TEST_CASE("where the base is known its revision ends the search, whatever the times say (D2)") {
  Drain d;
  d.start(attempted(put_of(kOne, Revision(4)), kQueued), kQueued + 40min);
  d.history({version(8, 5, kQueued - 2h)}, true);
  REQUIRE(d.asks<HistoryRequest>());
  d.history({version(7, 4, kQueued - 3h), version(4, 3, kQueued + 1h)});
  CHECK(d.asks<GetRequest>());
}

TEST_CASE("a history that does not reach back to the attempt leaves its outcome unknown, and says so") {
  Drain d;
  d.start(attempted(put_of(kOne), kQueued), kQueued + 40min);
  d.history({version(16, 30, kQueued + 30min)});
  CHECK(d.outcome().kind == Kind::rejected);
  CHECK(d.outcome().code == ErrorCode::timeout);
  CHECK(d.outcome().changes[0].value == kOne);
}

TEST_CASE("an id the broker no longer knows is looked for in the history, under a new session") {
  Drain d;
  d.start(attempted(put_of(kOne, Revision(4)), kQueued));
  d.refused(ErrorCode::invalid_argument, "req");
  REQUIRE(d.asks<HistoryRequest>());
  d.history({version(4, 1, kQueued - 1h)});
  d.entry(kTwo, 4);
  REQUIRE(d.made->want() == Want::attempt);
  CHECK(d.made->wants_session());
}

TEST_CASE("each policy decides a conflict, and what is not applied is told with its value (D3)") {
  Drain d;
  const auto conflict = [&](ConflictPolicy policy, Wall theirs) {
    d.options.policy = policy;
    d.start(put_of(kOne, Revision(4)));
    d.store_attempt();
    d.refused(ErrorCode::conflict);
    REQUIRE(d.asks<GetRequest>());
    d.entry(kTwo, 8, theirs);
  };
  conflict(ConflictPolicy::server_wins, kQueued);
  CHECK(d.outcome().kind == Kind::superseded);
  CHECK(d.outcome().conflict);
  CHECK(d.outcome().changes[0].value == kOne);
  conflict(ConflictPolicy::client_wins, kQueued);
  d.store_attempt();
  CHECK(d.put().if_rev == Revision(8));
  d.applied(9);
  CHECK(d.outcome().kind == Kind::applied);
  CHECK(d.outcome().conflict);
  conflict(ConflictPolicy::newest_wins, kQueued + 1s);
  CHECK(d.outcome().kind == Kind::superseded);
  conflict(ConflictPolicy::newest_wins, kQueued - 1s);
  CHECK(d.made->want() == Want::attempt);
  d.options.on_conflict = [](const WriteConflict& at) -> Resolution {
    CHECK(at.base == MaybeValue(encode_value(0)));
    CHECK(at.theirs->rev == Revision(8));
    return {Resolution::Take::value, encode_value(5)};
  };
  conflict(ConflictPolicy::callback, kQueued);
  REQUIRE(d.asks<GetRequest>());
  d.entry(encode_value(0), 4);
  d.store_attempt();
  CHECK(d.put().value == encode_value(5));
  d.applied(9);
  CHECK(d.outcome().kind == Kind::merged);
  d.options.on_conflict = [](const WriteConflict&) -> Resolution { throw std::runtime_error("mine"); };
  conflict(ConflictPolicy::callback, kQueued);
  d.entry(encode_value(0), 4);
  CHECK(d.outcome().kind == Kind::rejected);
  CHECK(d.outcome().message.find("mine") != std::string::npos);
}

TEST_CASE("a merge takes both sides; what both changed, or a base that is gone, is reported") {
  Drain d;
  d.options.policy = ConflictPolicy::merge;
  const auto conflict = [&](const Flat& ours, const Flat& theirs) {
    d.start(put_of(encode_value(ours), Revision(4)));
    d.store_attempt();
    d.refused(ErrorCode::conflict);
    d.entry(encode_value(theirs), 8);
    REQUIRE(d.asks<GetRequest>());
    CHECK(std::get<GetRequest>(d.made->request()).read.at == Revision(4));
  };
  conflict({{"a", 2}, {"b", 1}}, {{"a", 1}, {"b", 3}});
  d.entry(encode_value(Flat{{"a", 1}, {"b", 1}}), 4);
  d.store_attempt();
  CHECK(decode_value<Flat>(d.put().value) == Flat{{"a", 2}, {"b", 3}});
  CHECK(d.made->record().attempts.back().merged);
  d.applied(9);
  CHECK(d.outcome().kind == Kind::merged);
  REQUIRE(d.made->own().size() == 1);
  CHECK(d.made->own()[0].called == encode_value(Flat{{"a", 2}, {"b", 1}}));
  conflict({{"a", 2}}, {{"a", 3}});
  d.entry(encode_value(Flat{{"a", 1}}), 4);
  CHECK(d.outcome().kind == Kind::rejected);
  CHECK(d.outcome().code == ErrorCode::conflict);
  conflict({{"a", 2}}, {{"b", 3}});
  d.refused(ErrorCode::compacted);
  CHECK(d.outcome().kind == Kind::rejected);
}

TEST_CASE("what was queued on top of our own merged write keeps what the merge brought in") {
  Drain d;
  d.options.policy = ConflictPolicy::merge;
  OutboxStore::Own own{"a.b", "k", Epoch(7), Revision(9), false, true, encode_value(Flat{{"a", 2}})};
  d.start(put_of(encode_value(Flat{{"a", 3}}), Revision(4)), kQueued + 1min, Epoch(7), own);
  REQUIRE(d.asks<GetRequest>());
  d.entry(encode_value(Flat{{"a", 2}, {"theirs", 5}}), 9);
  d.store_attempt();
  CHECK(decode_value<Flat>(d.put().value) == Flat{{"a", 3}, {"theirs", 5}});
  CHECK(d.put().if_rev == Revision(9));
}

TEST_CASE("a merged write found in the history is still one of another form for what is queued behind it") {
  Drain d;
  d.options.policy = ConflictPolicy::merge;
  const std::string ours = encode_value(Flat{{"a", 2}, {"b", 1}});
  const std::string merged = encode_value(Flat{{"a", 2}, {"b", 3}});
  auto first = attempted(put_of(ours, Revision(4)), kQueued);
  first.attempts[0].merged = true;
  d.start(first);
  REQUIRE(d.asks<HistoryRequest>());
  d.history({{Revision(9), ChangeOp::put, merged, 3, kQueued, "x", std::nullopt, &kReq}});
  CHECK(d.outcome().kind == Kind::merged);
  const auto own = d.made->own();
  REQUIRE(own.size() == 1);
  CHECK(own[0].merged);
  CHECK(own[0].called == ours);
  d.start(put_of(encode_value(Flat{{"a", 5}, {"b", 1}}), Revision(4)), kQueued + 1min, Epoch(7), own[0]);
  REQUIRE(d.asks<GetRequest>());
  d.entry(merged, 9);
  d.store_attempt();
  CHECK(decode_value<Flat>(d.put().value) == Flat{{"a", 5}, {"b", 3}});
  // The merged form was a removal.
  d.start(first);
  d.history({{Revision(9), ChangeOp::del, {}, 3, kQueued, "x", std::nullopt, &kReq}});
  REQUIRE(d.made->own().size() == 1);
  CHECK(d.made->own()[0].gone);
  CHECK(d.made->own()[0].merged);
}

TEST_CASE("of a merged transaction found by one key the others are taken as merged, and are no conflict") {
  Drain d;
  d.options.policy = ConflictPolicy::callback;
  auto both = put_of(kOne, Revision(4));
  both.steps.push_back({ChangeOp::put, "a.b", "other", kOne, Revision(4)});
  both = attempted(std::move(both), kQueued);
  both.attempts[0].merged = true;
  d.start(both);
  d.history({{Revision(9), ChangeOp::put, kTwo, 3, kQueued, "x", std::nullopt, &kReq}});
  const auto own = d.made->own();
  REQUIRE(own.size() == 2);
  CHECK(own[0].merged);
  CHECK(own[1].merged);
  CHECK(own[1].called == kOne);
  // Nothing came into it: written on top of it, and nobody is asked.
  d.start(put_of(kTwo, Revision(4)), kQueued + 1min, Epoch(7), own[1]);
  d.entry(kOne, 9);
  d.store_attempt();
  CHECK(d.put().if_rev == Revision(9));
  CHECK_FALSE(d.made->record().attempts.back().merged);
}

TEST_CASE("a transaction is looked for by a key it wrote, not by one that was left as it was") {
  Drain d;
  d.options.policy = ConflictPolicy::callback;
  int asked = 0;
  d.options.on_conflict = [&](const WriteConflict& at) -> Resolution {
    ++asked;
    if (at.key == "k") return {Resolution::Take::theirs, {}};
    return {Resolution::Take::value, encode_value(12)};
  };
  auto both = put_of(kOne, Revision(4));
  both.steps.push_back({ChangeOp::put, "a.b", "other", kOne, Revision(4)});
  d.start(both);
  d.store_attempt();
  d.refused(ErrorCode::conflict);
  d.entry(kTwo, 8);
  d.entry(kTwo, 7);
  d.entry(encode_value(0), 4);
  d.entry(encode_value(0), 4);
  d.store_attempt();
  CHECK(d.made->record().attempts.back().step == 1);
  // Its reply is lost. The first attempt wrote `k`, the second did not.
  const auto looked = [&] {
    const auto request = d.made->request();
    return std::string(std::get<HistoryRequest>(request).key);
  };
  d.made->begin(Epoch(7), kQueued + 1min);
  REQUIRE(d.asks<HistoryRequest>());
  CHECK(looked() == "k");
  d.history({version(8, 3, kQueued), version(4, 2, kQueued)});
  REQUIRE(d.asks<HistoryRequest>());
  CHECK(looked() == "other");
  const RequestId second = d.made->record().attempts.back().req;
  d.history({{Revision(9), ChangeOp::put, encode_value(12), 3, kQueued, "x", std::nullopt, &second}});
  CHECK(d.outcome().kind == Kind::merged);
  CHECK(d.outcome().rev == Revision(9));
  CHECK(asked == 2);
  REQUIRE(d.made->own().size() == 2);
  CHECK(d.made->own()[1].rev == Revision(9));
}

TEST_CASE("a key left as it was keeps the revision it has") {
  Drain d;
  d.options.policy = ConflictPolicy::client_wins;
  auto both = put_of(kOne, Revision(4));
  both.steps.push_back({ChangeOp::put, "a.b", "other", kOne, Revision(4)});
  d.start(both);
  d.store_attempt();
  d.refused(ErrorCode::conflict);
  d.entry(kOne, 8);
  d.entry(kTwo, 7);
  d.store_attempt();
  d.give(codec::encode_txn_reply({{}, Epoch(7), Revision(9)}, {{{"a.b", Seq(2)}}, {3}, false}));
  CHECK(d.outcome().kind == Kind::applied);
  REQUIRE(d.made->own().size() == 2);
  CHECK(d.made->own()[0].rev == Revision(8));
  CHECK(d.made->own()[1].rev == Revision(9));
}

TEST_CASE("a transaction stays within what a request may require, whatever was read meanwhile (I8)") {
  Drain d;
  d.options.policy = ConflictPolicy::client_wins;
  OutboxRecord record = put_of(kOne, Revision(4));
  for (int i = 1; i < 600; ++i) {
    record.steps.push_back({ChangeOp::put, "a.b", "k" + std::to_string(i), kOne, std::nullopt});
  }
  for (int i = 0; i < 500; ++i) record.guards.push_back({"a.c", "g" + std::to_string(i), Revision(0)});
  d.start(record);
  d.store_attempt();
  d.refused(ErrorCode::conflict);
  for (std::uint64_t i = 0; i < 600; ++i) d.entry(kTwo, 8 + i);
  d.store_attempt();
  const auto request = d.made->request();
  const auto& txn = std::get<TxnRequest>(request);
  CHECK(txn.changes.size() == 600);
  CHECK(txn.conditions.size() == limits::kTxnChanges);
  CHECK(txn.conditions.front().rev == Revision(8));
  CHECK(txn.conditions.back().key == "g499");
}

TEST_CASE("in another history base revisions mean nothing: a conflict, and it is said (I6)") {
  Drain d;
  d.start(put_of(kOne, Revision(4)), kQueued + 1min, Epoch(8));
  REQUIRE(d.asks<GetRequest>());
  d.entry(kTwo, 4);
  CHECK(d.outcome().kind == Kind::superseded);
  CHECK(d.outcome().other_history);
  CHECK(d.outcome().conflict);
  // Made from nothing known: written whatever is there; an earlier attempt is looked for first.
  d.start(attempted(put_of(kOne), kQueued), kQueued + 1min, Epoch(8));
  REQUIRE(d.asks<HistoryRequest>());
  d.history({version(9, 1, kQueued + 1s, &kReq)});
  CHECK(d.outcome().kind == Kind::applied);
  CHECK(d.outcome().other_history);
}

TEST_CASE("a broker that cannot now is asked again later; one that refuses settles it with its code") {
  Drain d;
  d.start(put_of(kOne));
  d.store_attempt();
  CHECK(d.refused(ErrorCode::read_only) == Next::later);
  CHECK(d.refused(ErrorCode::other_history) == Next::rejoin);
  CHECK(d.refused(ErrorCode::rejected) == Next::go_on);
  CHECK(d.outcome().kind == Kind::rejected);
  CHECK(d.outcome().code == ErrorCode::rejected);
}
