// One socket's subscriptions, against a core that is a list of transactions.
#include "tests/unit/broker/gateway/live/live_bench.hpp"

using namespace prismbus;
using namespace prismbus::testing;

namespace {

using Glances = std::vector<std::string>;

AccessRulesPtr rules_that_deny(const std::string& principal, const std::string& ns) {
  auto policy = std::make_shared<Policy>();
  if (!ns.empty()) {
    PolicyRule rule;
    std::string encoded;
    codec::Writer out(encoded);
    out.map(1), out.name("deny"), out.map(1), out.text(principal), out.array(1), out.text("read");
    policy->set(ns, *decode_policy_rule(encoded));
  }
  auto rules = std::make_shared<AccessRules>();
  rules->policy = std::move(policy);
  return rules;
}

std::string subscribe(SubscriptionId id, const std::string& rest) {
  return R"({"type":"subscribe","id":)" + std::to_string(id) + "," + rest + "}";
}

}  // namespace

TEST_CASE("a join tells the entries, the heads of their revision, and then what comes") {
  Bench bench;
  for (int n = 0; n < 5; ++n) bench.write({{"a", {"k" + std::to_string(n)}}});
  Socket& socket = bench.open();
  bench.say(socket, subscribe(1, R"("ns":"a")"));
  bench.answer(socket);  // the heads
  bench.write({{"a", {"late"}}});
  CHECK(glance(bench.drain(socket)) == Glances{"snapshot", "snapshot", "subscribed", "change 6"});
  bench.write({{"a", {"later"}}, {"b", {"elsewhere"}}});
  bench.fetch();
  CHECK(glance(bench.drain(socket)) == Glances{"change 7"});
}

TEST_CASE("since tells what is missing and nothing twice; what is compacted away ends it with its name") {
  Bench bench;
  for (int n = 0; n < 8; ++n) bench.write({{"a", {"k"}}});
  Socket& socket = bench.open();
  bench.say(socket, subscribe(1, R"("ns":"a","since":5)"));
  CHECK(glance(bench.drain(socket)) == Glances{"change 6", "change 7", "change 8", "subscribed"});
  bench.say(socket, subscribe(1, R"("ns":"b","since":0)"));
  CHECK(code_of(bench.drain(socket).at(0)) == "invalid_argument");  // its id is taken
  bench.say(socket, subscribe(4, R"("ns":"a","since":8)"));
  CHECK(glance(bench.drain(socket)) == Glances{"subscribed"});  // nothing is missing
  bench.core.floor["a"] = Seq(3);
  bench.say(socket, subscribe(2, R"("ns":"a","since":2)"));
  const auto told = bench.drain(socket);
  REQUIRE(glance(told) == Glances{"error"});
  CHECK(code_of(told[0]) == "compacted");
  CHECK(text_of(*told[0].find("error"), "ns") == "a");
  bench.say(socket, subscribe(3, R"("ns":"a","since":9)"));
  CHECK(code_of(bench.drain(socket).at(0)) == "other_history");
}

TEST_CASE(
    "paused behind the log it asks for nothing; resumed it catches up by the core, and then by the log") {
  Bench bench;
  Socket& socket = bench.open();
  bench.say(socket, subscribe(1, R"("ns":"a","subtree":true,"snapshot":false)"));
  bench.drain(socket);
  bench.say(socket, R"({"type":"pause","id":1})");
  bench.write({{"a", {"k"}}});
  bench.fetch();
  bench.lose({{"a", {"lost"}}});
  bench.write({{"a", {"k"}}});
  bench.fetch();
  CHECK_FALSE(socket.asked);
  CHECK(socket.talk.outbox().empty());
  bench.say(socket, R"({"type":"resume","id":1})");
  REQUIRE(socket.asked);
  bench.say(socket, R"({"type":"pause","id":1})");  // what is on its way still comes
  bench.core.page = 2;
  CHECK(glance(bench.drain(socket)) == Glances{"change 1", "change 2"});
  CHECK_FALSE(socket.asked);  // but nothing more of it
  bench.say(socket, R"({"type":"resume","id":1})");
  CHECK(glance(bench.drain(socket)) == Glances{"change 3"});
}

TEST_CASE("slow is a gap, after which since goes on") {
  Bench bench;
  Socket& socket = bench.open();
  bench.say(socket, subscribe(1, R"("ns":"a","snapshot":false)"));
  bench.drain(socket);
  for (int n = 0; n < 6; ++n) bench.write({{"a", {"k"}}}, 1 << 20);
  bench.fetch();
  CHECK(socket.talk.outbox().bytes() < Outbox::kBytesMax + (2 << 20));
  const auto told = bench.drain(socket);
  REQUIRE(type_of(told.back()) == "gap");
  const std::uint64_t seq = number_of(told.back(), "seq");
  CHECK(seq + 1 == told.size());
  bench.say(socket, subscribe(1, R"("ns":"a","since":)" + std::to_string(seq)));
  CHECK(glance(bench.drain(socket)) == Glances{"change 5", "change 6", "subscribed"});
}

TEST_CASE("catching up leaves room: its client is heard, and others' changes find their place meanwhile") {
  Bench bench;
  Socket& socket = bench.open();
  bench.say(socket, subscribe(1, R"("ns":"a","snapshot":false)"));
  bench.say(socket, subscribe(2, R"("ns":"b","snapshot":false)"));
  bench.drain(socket);
  bench.say(socket, R"({"type":"pause","id":1})");
  for (int n = 0; n < 12; ++n) bench.write({{"a", {"k"}}}, 1 << 20);
  bench.fetch();
  bench.say(socket, R"({"type":"resume","id":1})");
  CHECK(socket.talk.outbox().bytes() > Outbox::kBytesMax / 2);
  CHECK(socket.talk.takes_text());
  bench.write({{"b", {"k"}}});
  bench.fetch();
  std::size_t changes = 0;
  for (const Value& message : bench.drain(socket)) changes += type_of(message) == "change";
  CHECK(changes == 13);
}

TEST_CASE("each that fell behind has its turn, in the room and at the core") {
  Bench bench;
  Socket& socket = bench.open();
  for (int id = 1; id <= 2; ++id)
    bench.say(socket, subscribe(static_cast<SubscriptionId>(id),
                                R"("ns":")" + std::string(id == 1 ? "a" : "b") + R"(","snapshot":false)"));
  bench.drain(socket);
  for (int id = 1; id <= 2; ++id) bench.say(socket, R"({"type":"pause","id":)" + std::to_string(id) + "}");
  for (int n = 0; n < 40; ++n) bench.lose({{"a", {"k"}}, {"b", {"k"}}});
  bench.write({{"a", {"k"}}});
  bench.fetch();
  for (int id = 1; id <= 2; ++id) bench.say(socket, R"({"type":"resume","id":)" + std::to_string(id) + "}");
  for (int n = 0; n < 4; ++n) bench.answer(socket);  // pages of three
  std::map<std::uint64_t, std::size_t> of;
  while (!socket.talk.outbox().empty()) ++of[number_of(socket.take(bench.now), "id")];
  CHECK(of[1] == 6);
  CHECK(of[2] == 6);
}

TEST_CASE(
    "rights that go end an exact subscription, and hide a namespace of a subtree; regained it is a gap") {
  Bench bench;
  bench.rules = rules_that_deny("reader", "");
  Socket& socket = bench.open(reader({"**"}, bench.rules));
  bench.write({{"a", {"k"}}, {"a.b", {"k"}}, {"e", {"k"}}});
  bench.say(socket, subscribe(1, R"("ns":"a","subtree":true,"snapshot":false)"));
  bench.say(socket, subscribe(2, R"("ns":"a.b","snapshot":false)"));
  bench.drain(socket);
  bench.channel.on_rules(rules_that_deny("reader", "a.b"));
  bench.write({{"a", {"k"}}, {"a.b", {"secret"}}});
  bench.fetch();
  auto told = bench.drain(socket);
  REQUIRE(glance(told) == Glances{"error", "change 2"});
  CHECK(code_of(told[0]) == "permission_denied");
  CHECK(text_of(told[1], "ns") == "a");
  bench.channel.on_rules(rules_that_deny("reader", ""));
  bench.write({{"a", {"k"}}});
  bench.write({{"a.b", {"k"}}});
  bench.fetch();
  told = bench.drain(socket);
  REQUIRE(glance(told) == Glances{"change 3", "gap"});
  CHECK(text_of(told[1], "ns") == "a.b");
  CHECK(number_of(told[1], "seq") == 0);
}

TEST_CASE("saying hello again, renewed tokens and rules of other things leave no gap behind (I5)") {
  Bench bench;
  bench.rules = rules_that_deny("reader", "");
  Socket& socket = bench.open(reader({"a.**"}, bench.rules), {"desk", "desk-1"});
  bench.write({{"a", {"k"}}});
  bench.say(socket, subscribe(1, R"("ns":"a","subtree":true,"snapshot":false)"));
  bench.drain(socket);
  for (SubscriptionId id = 2; id < 40; ++id) {
    socket.talk.on_greeted(reader({"a.**"}, bench.rules), bench.rules);  // each new one is a hello
    bench.say(socket, subscribe(id, R"("ns":"a.b","snapshot":false)"));
    bench.channel.on_rules(rules_that_deny("reader", ""));
    bench.fetch();
    bench.drain(socket);
  }
  bench.write({{"a", {"k"}}});
  bench.fetch();
  CHECK(glance(bench.drain(socket)) == Glances{"change 2"});
}

TEST_CASE("a refused token leaves the former one in force, also in what is asked later") {
  Bench bench;
  bench.sockets.push_back(std::make_unique<Socket>(bench.desk, SocketClient{"desk", "desk-1"}, "old"));
  Socket& socket = *bench.sockets.back();
  const auto token_of = [](const std::string& payload) {
    return std::string(codec::decode_request(payload)->token.value_or(""));
  };
  socket.step();
  REQUIRE(socket.asked);
  CHECK(token_of(*socket.asked) == "old");
  socket.talk.on_greeted(everybody(), bench.rules);
  bench.answer(socket);
  const auto refuse = [&] {
    const codec::ReplyHead head{MessageId(), Epoch(5), Revision(1)};
    socket.asked.reset();
    socket.talk.on_reply(codec::encode_error_reply(head, error_of(ErrorCode::unauthenticated, "no")),
                         bench.now);
    socket.step();
  };
  bench.say(socket, R"({"type":"token","token":"bad"})");
  REQUIRE(socket.asked);
  CHECK(token_of(*socket.asked) == "bad");
  bench.say(socket, subscribe(1, R"("ns":"a","snapshot":false)"));
  refuse();
  REQUIRE(socket.asked);  // what it follows is said under the one that counts
  CHECK(token_of(*socket.asked) == "old");
  refuse();  // and not for ever
  REQUIRE(socket.asked);
  CHECK(codec::op_of(codec::decode_request(*socket.asked)->body) == "namespaces");
  CHECK_FALSE(socket.talk.closing());
  bench.drain(socket);
  bench.say(socket, R"({"type":"token","token":"new"})");
  CHECK(token_of(*socket.asked) == "new");
  bench.answer(socket);
  bench.say(socket, subscribe(2, R"("ns":"a","snapshot":false)"));
  CHECK(token_of(*socket.asked) == "new");
}

TEST_CASE("a thousand tokens and subscriptions in a row are one hello") {
  Bench bench;
  Socket& socket = bench.open(everybody(), {"desk", "desk-1"});
  const std::size_t before = bench.core.asked.size();
  bench.say(socket, R"({"type":"token","token":"first"})");
  for (int n = 0; n < 1000; ++n) {
    bench.say(socket, R"({"type":"token","token":"t)" + std::to_string(n) + "\"}");
    bench.say(socket, subscribe(1, R"("ns":"a")"));
    bench.say(socket, R"({"type":"unsubscribe","id":1})");
  }
  CHECK(codec::decode_request(*socket.asked)->token == "first");
  bench.answer(socket);
  REQUIRE(socket.asked);
  CHECK(codec::decode_request(*socket.asked)->token == "t999");
  bench.answer_all(socket);
  CHECK(bench.core.asked.size() == before + 2);
}

TEST_CASE("of a closing socket nothing more comes: no change, no page, no answer (I10)") {
  Bench bench;
  bench.write({{"a", {"k"}}});
  Socket& socket = bench.open();
  bench.say(socket, subscribe(1, R"("ns":"a","snapshot":false)"));
  bench.drain(socket);
  bench.say(socket, subscribe(2, R"("ns":"a")"));
  REQUIRE(socket.asked);
  socket.talk.close(close_code::kUnauthenticated, "gone");
  bench.write({{"a", {"k"}}});
  bench.answer(socket);
  bench.say(socket, R"({"type":"pause","id":77})");
  CHECK(socket.talk.outbox().empty());
  CHECK_FALSE(socket.asked);
}

TEST_CASE("acks wait in a line of bounded length, and go out before pages") {
  Bench bench;
  Socket& socket = bench.open(everybody(), {"desk", "desk-1"});
  bench.say(socket, subscribe(1, R"("ns":"a")"));
  bench.answer(socket);  // the hello that says so
  REQUIRE(socket.asked);
  std::size_t taken = 0;
  for (; socket.talk.takes_text(); ++taken) bench.say(socket, R"({"type":"ack","applied":{"a":1}})");
  CHECK(taken == SubscribeTalk::kAcksMax);
  const std::size_t before = bench.core.asked.size();
  bench.answer_all(socket);
  CHECK(bench.core.asked.at(before + 1) == "ack");
  CHECK(socket.talk.takes_text());
}

TEST_CASE("what is left of a socket in the index is nothing") {
  Bench bench;
  Socket& socket = bench.open();
  for (SubscriptionId id = 0; id < SubscribeTalk::kSubscriptionsMax + 1; ++id)
    bench.say(socket, subscribe(id, R"("ns":"a","subtree":)" + std::string(id % 2 == 0 ? "true" : "false")));
  CHECK(code_of(socket.take(bench.now)) == "too_large");
  std::vector<LiveFollower> found;
  bench.desk.index.find("a", found);
  CHECK(found.size() == SubscribeTalk::kSubscriptionsMax);
  bench.sockets.clear();
  found.clear();
  bench.desk.index.find("a", found);
  CHECK(found.empty());
}

TEST_CASE("no page is asked for while too much waits in all outboxes, and it is when that has gone (I8)") {
  Bench bench;
  bench.write({{"a", {"k"}}});
  Socket& first = bench.open();
  bench.say(first, subscribe(1, R"("ns":"a")"));
  REQUIRE(first.asked);
  CHECK(bench.desk.alone >= limits::kPageBytes);  // the page on its way
  Socket& second = bench.open();
  const std::size_t others = LiveDesk::kAloneMax - bench.desk.alone;
  bench.desk.alone += others;
  bench.say(second, subscribe(1, R"("ns":"a")"));
  CHECK_FALSE(second.asked);
  bench.drain(first);
  CHECK(bench.desk.alone == others);
  second.step();
  CHECK(second.asked);
  bench.desk.alone -= others;
  bench.drain(second);
  bench.sockets.clear();
  CHECK(bench.desk.alone == 0);
}
