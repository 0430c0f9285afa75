#include "subscriber/sync/ack_state.hpp"

#include <catch2/catch.hpp>

#include <deque>

#include "proto/wire/limits.hpp"

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

struct Acks {
  AckState state;
  std::deque<FollowedNamespace> names;
  Steady now{1000s};
  std::uint64_t tag = 0;

  FollowedNamespace& name(std::string ns, std::uint64_t seq) {
    names.emplace_back();
    names.back().name = std::make_shared<const std::string>(std::move(ns));
    names.back().known = true;
    names.back().copy.seq = Seq(seq);
    return names.back();
  }
  std::string make() {
    std::string out;
    for (const auto& [ns, seq] : state.make(++tag, now).applied) {
      out += std::string(ns) + "@" + std::to_string(seq.value()) + " ";
    }
    return out;
  }
  [[nodiscard]] std::chrono::milliseconds due_in() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(state.next_deadline() - now);
  }
};

}  // namespace

TEST_CASE("nothing is acknowledged before hello, and after it everything, once its turn has come (A2)") {
  Acks a;
  auto& n = a.name("a", 5);
  a.state.touched(n);
  CHECK(a.state.next_deadline() == Steady::max());
  a.state.on_joined(1000, 300ms, a.now);
  CHECK(a.due_in() == 300ms);
  CHECK_FALSE(a.state.due(a.now));
  a.now += 300ms;
  CHECK(a.state.due(a.now));
  CHECK(a.make() == "a@5 ");
  CHECK(a.state.waits_for(1));
  CHECK(a.state.next_deadline() == Steady::max());  // one at a time
}

TEST_CASE("the first ack may be hastened, never put off") {
  Acks a;
  a.state.touched(a.name("a", 5));
  a.state.on_joined(1000, 5000ms, a.now);
  CHECK(a.due_in() == 5000ms);
  a.state.hasten(a.now + 300ms);
  CHECK(a.due_in() == 300ms);
  a.state.hasten(a.now + 700ms);
  CHECK(a.due_in() == 300ms);
}

TEST_CASE("with news an ack leaves after ack_ms, without after ten times of it") {
  Acks a;
  auto& n = a.name("a", 5);
  a.state.on_joined(1000, 0ms, a.now);
  (void)a.make();
  a.now += 20ms;
  a.state.on_answered(1000);
  CHECK(a.due_in() == 9980ms);
  a.state.touched(n);
  a.state.touched(n);
  CHECK(a.due_in() == 980ms);
  a.now += 980ms;
  n.copy.seq = Seq(7);
  CHECK(a.make() == "a@7 ");
  a.state.on_answered(5000);  // the broker asks for fewer
  CHECK(a.due_in() == 50s);
  a.state.touched(n);
  CHECK(a.due_in() == 5s);
  a.state.on_joined(0, 0ms, a.now);  // nonsense does not make it ack in a loop
  (void)a.make();
  a.state.on_answered(0);
  a.state.touched(n);
  CHECK(a.due_in() == 10ms);
}

TEST_CASE("a rare change is acknowledged at once, and in a crowd at the next whole pace since the last ack") {
  Acks a;
  auto& n = a.name("a", 5);
  a.state.on_joined(1000, 0ms, a.now);
  (void)a.make();
  a.state.on_answered(1000);
  a.now += 3400ms;
  CHECK_FALSE(a.state.due(a.now));
  a.state.touched(n);
  CHECK(a.state.due(a.now));
  (void)a.make();
  a.state.on_answered(5000);
  a.now += 12s;
  CHECK_FALSE(a.state.due(a.now));
  a.state.touched(n);
  CHECK_FALSE(a.state.due(a.now));
  CHECK(a.due_in() == 3s);
  a.now += 2s;
  a.state.touched(n);  // later news does not put it off
  CHECK_FALSE(a.state.due(a.now));
  CHECK(a.due_in() == 1s);
  a.now += 1s;
  CHECK(a.state.due(a.now));
  CHECK(a.make() == "a@5 ");
}

TEST_CASE("a crowd that joins at once acks first after the wait each was given") {
  Acks a;
  a.state.on_joined(5000, 1300ms, a.now);
  a.state.touched(a.name("a", 5));
  CHECK_FALSE(a.state.due(a.now));
  CHECK(a.due_in() == 1300ms);
}

TEST_CASE("what an ack told that was not answered is told again, at its present seq (A1)") {
  Acks a;
  auto& n = a.name("a", 5);
  auto& m = a.name("b", 8);
  a.state.on_joined(1000, 0ms, a.now);
  a.state.touched(n);
  CHECK(a.make() == "a@5 ");
  a.state.touched(m);
  n.copy.seq = Seq(6);
  a.state.on_failed(a.now);
  CHECK(a.due_in() == 1000ms);
  CHECK(a.make() == "b@8 a@6 ");
  a.state.on_answered(1000);
  CHECK(a.make().empty());
}

TEST_CASE("hello in the middle of an ack forgets the ack, and what it told is told again (A1 A2)") {
  Acks a;
  auto& n = a.name("a", 5);
  a.state.on_joined(1000, 0ms, a.now);
  a.state.touched(n);
  (void)a.make();
  a.state.on_lost();
  CHECK(a.state.next_deadline() == Steady::max());
  a.state.on_joined(1000, 0ms, a.now);
  CHECK_FALSE(a.state.waits_for(1));
  a.state.touched(n);
  CHECK(a.make() == "a@5 ");
}

TEST_CASE("a namespace of no known history is left out") {
  Acks a;
  auto& n = a.name("a", 5);
  a.state.on_joined(1000, 0ms, a.now);
  a.state.touched(n);
  n.known = false;
  CHECK(a.make().empty());
  n.known = true;
  a.state.touched(n);
  a.state.on_answered(1000);
  CHECK(a.make() == "a@5 ");
}

TEST_CASE("a broker that takes no acks is sent none until the next hello") {
  Acks a;
  a.state.on_joined(1000, 0ms, a.now);
  (void)a.make();
  a.state.on_unsupported();
  CHECK(a.state.next_deadline() == Steady::max());
  a.state.on_joined(1000, 0ms, a.now);
  CHECK(a.state.due(a.now));
}

TEST_CASE("an ack carries as many names and samples as its limits allow, the rest of the names comes next") {
  Acks a;
  a.state.on_joined(1000, 0ms, a.now);
  for (std::size_t i = 0; i < limits::kFollowNames + 3; ++i)
    a.state.touched(a.name("n" + std::to_string(i), 1));
  for (std::uint64_t i = 0; i < 10'000; ++i) a.state.sample(std::chrono::microseconds(i), i * 7919);
  a.state.sample(-5us, 0);  // a clock that is behind the broker's
  const AckRequest first = a.state.make(1, a.now);
  CHECK(first.applied.size() == limits::kFollowNames);
  CHECK(first.latency_us.size() == limits::kAckLatencies);
  CHECK(first.latency_us[0] == 0);
  a.state.on_answered(1000);
  const AckRequest second = a.state.make(2, a.now);
  CHECK(second.applied.size() == 3);
  CHECK(second.latency_us.empty());
}

TEST_CASE("a seq is not told before the rejections up to it, 256 an ack") {
  Acks a;
  auto& n = a.name("a", 300);
  auto& other = a.name("b", 5);
  a.state.on_joined(1000, 0ms, a.now);
  for (std::uint64_t seq = 1; seq <= 300; ++seq) a.state.reject(n, {"k", Seq(seq), "no"});
  a.state.touched(n);
  a.state.touched(other);
  CHECK(a.make() == "a@256 b@5 ");
  a.state.on_answered(1000);
  a.now += 1000ms;
  CHECK(a.state.due(a.now));
  const AckRequest rest = a.state.make(++a.tag, a.now);
  CHECK(rest.rejected.size() == 44);
  CHECK(rest.rejected.front().seq == Seq(257));
  REQUIRE(rest.applied.size() == 1);
  CHECK(rest.applied[0].second == Seq(300));
}

TEST_CASE("rejections of an ack that failed are told again, in order (A1); more than can wait are counted") {
  Acks a;
  auto& n = a.name("a", 2);
  a.state.reject(n, {"k", Seq(1), "before hello: what stands is told after it"});
  a.state.on_joined(1000, 0ms, a.now);
  a.state.reject(n, {"k", Seq(1), "one"});
  CHECK(a.state.make(1, a.now).rejected.size() == 1);
  a.state.reject(n, {"k", Seq(2), "two"});
  a.state.on_failed(a.now);
  a.now += 1000ms;
  const AckRequest again = a.state.make(2, a.now);
  REQUIRE(again.rejected.size() == 2);
  CHECK(again.rejected[0].reason == "one");
  CHECK(again.rejected[1].reason == "two");
  a.state.on_answered(1000);
  CHECK(a.due_in() == 10s);
  for (std::size_t i = 0; i < AckState::kRejectionsWaiting + 3; ++i)
    a.state.reject(n, {"k", Seq(3 + i), "no"});
  CHECK(a.state.rejections_dropped() == 3);
  CHECK(a.due_in() == 1s);
}
