// What becomes of frames, a rule of the contract at a time (PROTOCOL section 9).
#include "tests/unit/subscriber/ring_at_broker.hpp"

using namespace prismbus;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

TEST_CASE("a frame that waits is asked for within 200 ms, and comes out in order, those behind it too") {
  RingAtBroker b({{"a", true}, {"b", false}});
  b.join();
  b.after(5s);
  ++b.broker.generation;
  CHECK(b.frame("a.x", "1") == FrameFate::waiting);
  CHECK(b.ring.next_deadline() < b.now.steady + KeyRing::kAskWithin);
  CHECK(b.frame("b", "1") == FrameFate::waiting);
  --b.broker.generation;  // one that could be opened waits behind one that cannot
  CHECK(b.frame("a.x", "2") == FrameFate::waiting);
  CHECK(b.frame("a.y", "1") == FrameFate::opened);
  ++b.broker.generation;
  CHECK(b.frame("a.x", "3", Lane::express) == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.opened() == Names{"a.x:1", "b:1", "a.x:2", "a.x:3"});
  CHECK(b.ring.waiting() == 0);
  CHECK(b.frame("a.x", "4") == FrameFate::opened);
  CHECK(b.ring.take_lost().empty());
  CHECK(b.ring.counters().held == 4);
  CHECK(b.ring.counters().opened == 6);
}

TEST_CASE("I10: a heartbeat of a later generation asks for keys within 200 ms where nothing is written") {
  RingAtBroker b({{"a", true}});
  b.join();
  b.after(5s);
  const auto asked = b.ring.counters().asked;
  const Period told = b.broker.period(b.now.steady);
  b.ring.on_period(told, b.now);
  b.ring.on_period(told.next(), b.now);  // the next minute's: it comes when it comes
  CHECK(b.ring.next_deadline() > b.now.steady + 10s);
  ++b.broker.generation;
  b.ring.on_period(b.broker.period(b.now.steady), b.now);
  CHECK(b.ring.next_deadline() < b.now.steady + KeyRing::kAskWithin);
  b.ask_when_due();
  b.answer();
  CHECK(b.ring.counters().asked == asked + 1);
  b.ring.on_period(b.broker.period(b.now.steady), b.now);  // known now
  b.after(KeyRing::kAskPace + KeyRing::kAskWithin);
  CHECK_FALSE(b.ring.due(b.now));
}

TEST_CASE("one that came after keys were asked is judged by the next answer, those behind it wait with it") {
  RingAtBroker b({{"a", false}});
  b.join();
  b.after(5s);
  ++b.broker.generation;
  CHECK(b.frame("a", "1") == FrameFate::waiting);
  b.ask_when_due();
  const KeysTold answer = b.broker.answer(b.now.steady);
  ++b.broker.generation;  // between the answer and its arrival
  CHECK(b.frame("a", "2") == FrameFate::waiting);
  CHECK(b.frame("u", "1") == FrameFate::waiting);
  b.ring.on_reply(answer, b.now);
  CHECK(b.opened() == Names{"a:1"});
  CHECK(b.ring.take_lost().empty());
  CHECK(b.ring.take_unreadable().empty());  // was not waiting when keys were asked
  CHECK(b.ring.waiting() == 2);
  b.ask_when_due();
  b.answer();
  CHECK(b.opened() == Names{"a:2"});
  CHECK(b.ring.take_unreadable() == Names{"u"});
}

TEST_CASE("a name without any key is ignored until the next period, then asked for again") {
  RingAtBroker b({{"a", true}});
  b.join();
  b.after(2s);
  CHECK(b.frame("u", "1") == FrameFate::waiting);
  CHECK(b.frame("u", "2") == FrameFate::waiting);
  CHECK(b.frame("a.x", "1") == FrameFate::opened);  // others go on
  b.ask_when_due();
  b.answer();
  CHECK(b.opened().empty());
  CHECK(b.ring.take_unreadable() == Names{"u"});
  CHECK(b.ring.take_unreadable().empty());
  CHECK(b.ring.take_lost().empty());
  const auto asked = b.ring.counters().asked;
  for (int i = 0; i < 20; ++i) {
    b.after(2s);
    CHECK(b.frame("u", "3") == FrameFate::unreadable);
  }
  CHECK(b.ring.counters().asked == asked);
  CHECK(b.ring.counters().unreadable == 22);
  b.now.steady = Steady{1001min};
  CHECK(b.frame("u", "4") == FrameFate::waiting);
  b.broker.rights.push_back({"u", false});
  b.ask_when_due();
  b.answer();
  CHECK(b.opened() == Names{"u:4"});
  CHECK(b.frame("u", "5") == FrameFate::opened);
}

TEST_CASE("an ignored name is read again when an answer covers it, or its frames are of a later generation") {
  RingAtBroker b({{"a", true}});
  b.join();
  CHECK(b.frame("u", "1") == FrameFate::waiting);
  CHECK(b.frame("v", "1") == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.ring.take_unreadable() == Names{"u", "v"});
  b.broker.rights.push_back({"u", false});
  CHECK(b.frame("w", "1") == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.frame("u", "2") == FrameFate::opened);
  CHECK(b.frame("v", "2") == FrameFate::unreadable);
  b.broker.rights.push_back({"v", false});
  ++b.broker.generation;
  CHECK(b.frame("v", "3") == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.opened() == Names{"v:3"});
}

TEST_CASE("a key for the name but not for the period: the frame is lost, and its namespace is told once") {
  RingAtBroker b({{"a", true}});
  b.join();
  const auto old = b.broker.frame("a.x", "old", Period::of(1, 990));
  CHECK(b.ring.on_frame(Lane::changes, old, b.now).fate == FrameFate::waiting);
  CHECK(b.ring.on_frame(Lane::changes, old, b.now).fate == FrameFate::waiting);
  CHECK(b.frame("a.x", "now") == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.opened() == Names{"a.x:now"});
  CHECK(b.ring.take_lost() == Names{"a.x"});
  CHECK(b.ring.take_lost().empty());
  CHECK(b.ring.take_unreadable().empty());
  CHECK(b.ring.counters().lost == 2);
}

TEST_CASE(
    "I10: after a revocation nothing of the new generation opens, and 2 s later nothing of the old one") {
  RingAtBroker b({{"a", false}, {"b", false}});
  b.join();
  b.after(5s);
  const auto before = b.broker.frame("b", "before", b.now.steady);
  b.broker.rights = {{"a", false}};
  ++b.broker.generation;
  CHECK(b.frame("b", "secret") == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.opened().empty());
  CHECK(b.ring.take_unreadable() == Names{"b"});
  CHECK(b.frame("a", "1") == FrameFate::opened);
  CHECK(b.ring.next_deadline() == b.now.steady + 2s);  // so that they go also when nothing comes
  b.after(2s);
  CHECK_FALSE(b.ring.due(b.now));
  CHECK(b.ring.next_deadline() > b.now.steady + 10s);
  CHECK(b.ring.on_frame(Lane::changes, before, b.now).fate == FrameFate::unreadable);
}

TEST_CASE(
    "the name's neighbours: frames of the old generation open for 2 s, so that none on its way is lost") {
  RingAtBroker b({{"a", false}, {"b", false}});
  b.join();
  b.after(5s);
  const auto before = b.broker.frame("a", "before", b.now.steady);
  b.broker.rights = {{"a", false}};
  ++b.broker.generation;
  CHECK(b.frame("a", "after") == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.opened() == Names{"a:after"});
  b.after(2s - 1ns);
  CHECK(b.ring.on_frame(Lane::express, before, b.now).body == "before");
  b.after(1ns);
  CHECK(b.ring.on_frame(Lane::express, before, b.now).fate == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.ring.take_lost() == Names{"a"});
}

TEST_CASE("an unsealed body is dropped where the stream is sealed, and passes where it is not") {
  RingAtBroker b({{"a", true}});
  const std::string frame = "a/\x91\x80";
  CHECK(b.ring.on_frame(Lane::changes, frame, b.now).body == "\x91\x80");
  CHECK(b.frame("a", "x") == FrameFate::forged);  // 0xC1 is no MessagePack
  b.join();
  CHECK(b.ring.on_frame(Lane::changes, frame, b.now).fate == FrameFate::unsealed);
  CHECK(b.ring.on_frame(Lane::changes, "a/", b.now).fate == FrameFate::unsealed);
  CHECK(b.ring.counters().unsealed == 2);
  CHECK(b.ring.counters().forged == 1);
  b.ring.on_joined(false, b.now);
  CHECK(b.ring.on_frame(Lane::changes, frame, b.now).fate == FrameFate::opened);
  CHECK(b.ring.next_deadline() == Steady::max());
}

TEST_CASE("what is no frame of a namespace, broken or forged is dropped and counted") {
  RingAtBroker b({{"a", true}});
  b.join();
  const std::string good = b.broker.frame("a", "text", b.now.steady);
  std::string bad = good;
  bad.back() = static_cast<char>(bad.back() ^ 1);
  const Names frames{"", "/", "a", "a..b/" + good.substr(2), std::string("\0hb/\x80", 5), good.substr(0, 50),
                     bad};
  for (const std::string& frame : frames) {
    CHECK(b.ring.on_frame(Lane::changes, frame, b.now).fate == FrameFate::forged);
  }
  CHECK(b.ring.counters().forged == frames.size());
  CHECK(b.ring.on_frame(Lane::changes, good, b.now).fate == FrameFate::opened);
  b.after(1s);
  ++b.broker.generation;  // also when it had to wait
  bad = b.broker.frame("a", "text", b.now.steady);
  bad.back() = static_cast<char>(bad.back() ^ 1);
  CHECK(b.ring.on_frame(Lane::changes, bad, b.now).fate == FrameFate::waiting);
  b.ask_when_due();
  b.answer();
  CHECK(b.opened().empty());
  CHECK(b.ring.counters().forged == frames.size() + 1);
}

TEST_CASE("I8: frames beyond the bounds are lost, not held, and their namespaces are told") {
  RingAtBroker b({{"", true}});
  b.ring.on_joined(true, b.now);
  for (std::size_t i = 0; i < KeyRing::kHeldFrames; ++i) {
    REQUIRE(b.frame("a", "x") == FrameFate::waiting);
  }
  CHECK(b.frame("b", "x") == FrameFate::lost);
  CHECK(b.frame("b", "x") == FrameFate::lost);
  CHECK(b.ring.take_lost() == Names{"b"});
  b.ask();
  b.answer();
  CHECK(b.opened().size() == KeyRing::kHeldFrames);
  CHECK(b.frame("b", "x") == FrameFate::opened);

  RingAtBroker bytes({{"", true}});
  bytes.ring.on_joined(true, bytes.now);
  const std::string large(8u << 20, 'x');
  CHECK(bytes.frame("a", large) == FrameFate::waiting);
  CHECK(bytes.frame("a", large) == FrameFate::waiting);
  CHECK(bytes.frame("a", large) == FrameFate::lost);
  CHECK(bytes.frame("c", "small") == FrameFate::waiting);
}
