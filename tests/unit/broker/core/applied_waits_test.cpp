// wait_applied through the pipeline: who is waited for, who speaks for an instance, what bounds there are.
#include "tests/unit/broker/core/ack_bus.hpp"

namespace prismbus {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Bus = testing::AckBus;
using Names = testing::Names;

TEST_CASE("a wait ends with the last ack that reaches its seq") {
  Bus bus;
  bus.put("a");
  bus.hello(1, "one", {"a"});
  bus.hello(2, "two", {}, {""});
  bus.hello(3, "else", {"b"});
  bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(2), 2000, {}});
  bus.ack(1, {{"a", Seq(2)}});
  bus.ack(2, {{"a", Seq(1)}});
  CHECK_FALSE(bus.answered(wait));
  bus.ack(2, {{"a", Seq(3)}});
  CHECK(bus.waited(wait).applied == Names{"one", "two"});
  CHECK(bus.waited(wait).silent.empty());
  const auto known = bus.send(9, WaitAppliedRequest{"a", Seq(2), 2000, {}});
  CHECK(bus.waited(known).applied == Names{"one", "two"});  // at once
  const auto nobody = bus.send(9, WaitAppliedRequest{"_x", Seq(1), 2000, {}});
  CHECK(bus.waited(nobody) == WaitAppliedReply{});
}

TEST_CASE("a wait tells who refused, and why") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  bus.hello(2, "two", {"a"});
  bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}});
  bus.ack(1, {{"a", Seq(1)}}, {{"a", Seq(1), "k", "must be > 0"}});
  bus.ack(2, {{"a", Seq(1)}});
  CHECK(bus.waited(wait).applied == Names{"two"});
  CHECK(bus.waited(wait).rejected == Names{"one"});
  CHECK(bus.waited(wait).reasons == std::vector<WaitAppliedReply::Reason>{{"one", "k", "must be > 0"}});
}

TEST_CASE("a wait whose time is over names the silent ones") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  bus.hello(2, "", {"a"});
  bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}});
  bus.ack(1, {{"a", Seq(1)}});
  CHECK(bus.broker->pipeline.next_deadline(bus.now) <= bus.now.steady + seconds(2));
  bus.pass(milliseconds(1999));
  CHECK_FALSE(bus.answered(wait));
  bus.pass(milliseconds(1));
  CHECK(bus.waited(wait).applied == Names{"one"});
  CHECK(bus.waited(wait).silent == Names{"#2"});
  const auto look = bus.send(9, WaitAppliedRequest{"a", Seq(1), 0, {}});
  CHECK(bus.waited(look).silent == Names{"#2"});  // no time is a look
}

TEST_CASE("a wait for a number ends when so many applied; who refuses is not one of them") {
  Bus bus;
  for (std::uint64_t i = 1; i <= 4; ++i) bus.hello(i, "i" + std::to_string(i), {"a"});
  bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, 2});
  bus.ack(1, {{"a", Seq(1)}});
  bus.ack(2, {{"a", Seq(1)}}, {{"a", Seq(1), "k", "no"}});
  CHECK_FALSE(bus.answered(wait));
  bus.ack(3, {{"a", Seq(1)}});
  CHECK(bus.waited(wait).applied == Names{"i1", "i3"});
  CHECK(bus.waited(wait).silent == Names{"i4"});
}

TEST_CASE(
    "who goes away is silent and no longer waited for; another connection of its instance speaks for it") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  bus.hello(2, "two", {"a"});
  bus.hello(3, "two", {"a"});
  bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}});
  bus.ack(3, {{"a", Seq(1)}});
  bus.broker->pipeline.on_gone(ConnectionId(2), Now{});
  CHECK_FALSE(bus.answered(wait));
  bus.broker->pipeline.on_gone(ConnectionId(1), Now{});
  bus.step();
  CHECK(bus.waited(wait).applied == Names{"two"});
  CHECK(bus.waited(wait).silent == Names{"one"});
}

TEST_CASE("an instance that has come back speaks for its old connection that is half open") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}});
  bus.hello(2, "one", {"a"});
  bus.ack(2, {{"a", Seq(1)}});
  CHECK(bus.waited(wait).applied == Names{"one"});
  CHECK(bus.waited(wait).silent.empty());
}

TEST_CASE("a wait for a number counts instances, not connections") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  bus.hello(2, "one", {"a"});
  bus.hello(3, "two", {"a"});
  bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, 2});
  bus.ack(1, {{"a", Seq(1)}}, {{"a", Seq(1), "k", "no"}});
  bus.ack(2, {{"a", Seq(1)}});
  CHECK_FALSE(bus.answered(wait));
  bus.ack(3, {{"a", Seq(1)}});
  CHECK(bus.waited(wait).applied == Names{"one", "two"});
  const auto again = bus.send(9, WaitAppliedRequest{"a", Seq(2), 2000, 2});
  bus.put("a");
  bus.ack(1, {{"a", Seq(2)}});
  bus.broker->pipeline.on_gone(ConnectionId(1), Now{});
  bus.ack(2, {{"a", Seq(2)}});
  CHECK_FALSE(bus.answered(again));
  bus.ack(3, {{"a", Seq(2)}});
  CHECK(bus.waited(again).applied == Names{"one", "two"});
}

TEST_CASE("a hello that says the same again forgets nothing of its follower and ends no wait") {
  Bus bus;
  bus.hello(1, "one", {}, {""});
  bus.put("a");
  bus.put("b");
  bus.ack(1, {{"a", Seq(1)}});
  const auto wait = bus.send(9, WaitAppliedRequest{"b", Seq(1), 2000, {}});
  bus.hello(1, "one", {}, {""});
  CHECK_FALSE(bus.answered(wait));
  CHECK(bus.rows({"a", {}}).subscribers.at(0).lag == 0);
  bus.hello(1, "one", {"b"});  // another one
  CHECK(bus.waited(wait).silent == Names{"one"});
  CHECK(bus.rows({"a", {}}).subscribers.empty());
}

TEST_CASE("a wait that is repeated on its connection has one answer") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}});
  bus.last_id = wait - 1;  // the same id
  CHECK(bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}}) == wait);
  bus.ack(1, {{"a", Seq(1)}});  // two answers would not pass reply()
  CHECK(bus.waited(wait).applied == Names{"one"});
}

TEST_CASE("a refusal counts as one also when newer ones have pushed out its reason") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  for (int i = 0; i < 20; ++i) bus.put("a");
  const auto wait = bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}});
  std::vector<AckRequest::Rejection> refused;
  for (std::uint64_t n = 1; n <= 20; ++n) refused.push_back({"a", Seq(n), "k", "no"});
  bus.ack(1, {{"a", Seq(20)}}, refused);
  CHECK(bus.waited(wait).rejected == Names{"one"});
  CHECK(bus.waited(wait).reasons.empty());
  bus.ack(1, {}, {refused.back()});  // told twice
  CHECK(bus.rows().subscribers.at(0).rejections == 20);
}

TEST_CASE("waits are bounded, and end when the broker stops (I8)") {
  Bus bus;
  bus.hello(1, "one", {"a"});
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < AppliedWaits::kWaitsMax; ++i)
    last = bus.send(10 + i / AppliedWaits::kConnectionWaitsMax, WaitAppliedRequest{"a", Seq(1), 2000, {}});
  CHECK_FALSE(bus.answered(last));
  CHECK(bus.refusal(bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}})) == ErrorCode::overloaded);
  bus.broker->pipeline.on_gone(ConnectionId(10), Now{});  // what it waited for is dropped
  for (std::size_t i = 0; i < AppliedWaits::kConnectionWaitsMax; ++i)
    CHECK_FALSE(bus.answered(bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}})));
  CHECK(bus.refusal(bus.send(9, WaitAppliedRequest{"a", Seq(1), 2000, {}})) == ErrorCode::overloaded);
  bus.broker->pipeline.drain();
  bus.step();
  CHECK(bus.refusal(last) == ErrorCode::unavailable);
  CHECK(bus.broker->pipeline.drained());
}

}  // namespace prismbus
