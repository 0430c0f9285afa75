// When a ring asks for keys, and what it makes of answers that come late, from behind, or not at all.
#include "tests/unit/subscriber/ring_at_broker.hpp"

using namespace prismbus;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

TEST_CASE("keys are asked for at once by a join, and open frames from then on") {
  RingAtBroker b({{"a", true}});
  CHECK(b.ring.next_deadline() == Steady::max());
  b.ring.on_joined(true, b.now);
  CHECK(b.ring.next_deadline() <= b.now.steady);
  b.ask();
  CHECK_FALSE(b.ring.due(b.now));
  CHECK(b.ring.next_deadline() == Steady::max());
  b.answer();
  CHECK(b.frame("a.b", "1") == FrameFate::opened);
  CHECK(b.frame("a", "2") == FrameFate::opened);
  b.after(60s);  // the neighbour's key is there
  CHECK(b.frame("a.b", "3") == FrameFate::opened);
  CHECK(b.ring.counters().opened == 3);
  CHECK(b.ring.counters().asked == 1);
}

TEST_CASE("renewal is at a random point of the next period, ahead of the end of what is known") {
  Names points;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RingAtBroker b({{"a", true}});
    b.ring = KeyRing(seed);
    b.join();
    const Steady next = b.now.steady - 10s + 60s;  // when the next period begins
    CHECK(b.ring.next_deadline() >= next);
    CHECK(b.ring.next_deadline() < next + KeyRing::kRenewWithin);
    points.push_back(std::to_string((b.ring.next_deadline() - next).count()));
    for (int i = 0; i < 5; ++i) {  // for ever, one a period, without a frame that waits
      b.ask_when_due();
      b.answer();
      CHECK(b.frame("a.b", "x") == FrameFate::opened);
    }
    CHECK(b.ring.counters().asked == 6);
    CHECK(b.ring.counters().held == 0);
    CHECK(b.now.steady < Steady{1007min});
  }
  std::sort(points.begin(), points.end());
  CHECK(std::unique(points.begin(), points.end()) == points.end());
}

TEST_CASE("at most one keys a second, whatever frames wait for") {
  RingAtBroker b({{"a", true}});
  b.join();
  const Steady start = b.now.steady;
  std::vector<Steady> asked{start};
  for (int i = 0; i < 2000; ++i) {
    b.after(5ms);
    ++b.broker.generation;  // nothing can ever be opened at once
    CHECK(b.frame("a", "x") == FrameFate::waiting);
    if (b.ring.due(b.now)) {
      b.ring.asked(b.now);
      asked.push_back(b.now.steady);
      b.answer();
      b.opened();
    }
  }
  for (std::size_t i = 1; i < asked.size(); ++i) CHECK(asked[i] - asked[i - 1] >= KeyRing::kAskPace);
  CHECK(asked.size() >= 9);
  CHECK(asked.size() <= 11);
}

TEST_CASE("a broker that answers no keys is asked more and more seldom, and nothing is lost meanwhile") {
  RingAtBroker b({{"a", true}});
  b.ring.on_joined(true, b.now);
  CHECK(b.frame("a", "1") == FrameFate::waiting);
  Steady before{};
  for (const std::chrono::milliseconds wait : {0s, 1s, 2s, 4s, 8s, 16s, 16s}) {
    before = b.now.steady;
    b.ask_when_due();
    CHECK(b.now.steady - before >= wait);
    CHECK(b.now.steady - before <= wait + wait / 2);
    b.ring.on_failed(b.now);
  }
  b.ask_when_due();
  b.answer();
  b.opened();
  b.after(70s);
  CHECK(b.frame("a", "2") == FrameFate::opened);
}

TEST_CASE("an answer of an older generation is a failure, one that nobody asked for is ignored") {
  RingAtBroker b({{"a", true}});
  b.broker.generation = 3;
  b.join();
  b.after(5s);
  CHECK(b.frame("u", "1") == FrameFate::waiting);
  b.ask_when_due();
  b.broker.generation = 2;
  b.answer();
  CHECK(b.ring.take_unreadable().empty());
  CHECK(b.ring.waiting() == 1);
  b.broker.generation = 3;
  b.answer();  // late
  CHECK(b.ring.waiting() == 1);
  CHECK(b.frame("a", "1") == FrameFate::opened);
  b.ask_when_due();
  b.answer();
  CHECK(b.ring.take_unreadable() == Names{"u"});
}

TEST_CASE("another epoch: keys and frames are dropped, keys are due again, an answer under way is ignored") {
  RingAtBroker b({{"a", true}});
  b.broker.generation = 5;
  b.join();
  b.after(2s);
  CHECK(b.frame("u", "1") == FrameFate::waiting);
  b.ask_when_due();
  b.ring.forget();
  b.answer();
  CHECK(b.ring.waiting() == 0);
  CHECK(b.ring.take_unreadable().empty());
  CHECK(b.frame("a", "1") == FrameFate::waiting);
  b.broker.generation = 1;  // counts anew there
  CHECK(b.ring.next_deadline() <= b.now.steady + KeyRing::kAskPace);
  b.ask_when_due();
  b.answer();
  CHECK(b.ring.take_lost() == Names{"a"});
  CHECK(b.frame("a", "2") == FrameFate::opened);
}

TEST_CASE("a join anew keeps keys and frames, and asks again for what was under way") {
  RingAtBroker b({{"a", true}});
  b.join();
  b.after(5s);
  ++b.broker.generation;
  CHECK(b.frame("a", "1") == FrameFate::waiting);
  b.ask_when_due();
  b.after(3s);
  b.ring.on_joined(true, b.now);
  CHECK(b.ring.next_deadline() < b.now.steady + KeyRing::kAskWithin);
  b.ask_when_due();
  b.answer();
  CHECK(b.opened() == Names{"a:1"});
}
