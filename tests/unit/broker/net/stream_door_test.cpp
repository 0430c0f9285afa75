// The stream door against raw SUB sockets: what is handed up, who receives, and that nobody holds up the
// rest.
#include "broker/net/stream_door.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/broker/net/door_fixture.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

class Subscriptions final : public SubscriptionHandler {
 public:
  void on_subscription(Lane lane, std::string_view handed_up) override {
    lanes.push_back(lane);
    topics.emplace_back(handed_up);
  }
  [[nodiscard]] auto count(const std::string& handed_up) const {
    return std::count(topics.begin(), topics.end(), handed_up);
  }
  std::vector<Lane> lanes;
  std::vector<std::string> topics;
};

struct StreamFixture {
  explicit StreamFixture(const StreamDoorSettings& settings = {}) : admission(context) {
    endpoint = *doors.add(context, Lane::changes, settings)
                    .bind(*Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind));
  }
  bool await(const std::string& handed_up, int times = 1) {
    return eventually([&] {
      doors.all().front()->receive(256, seen);
      return seen.count(handed_up) >= times;
    });
  }
  Context context, clients;
  RunningAdmission admission;
  StreamDoors doors;
  Subscriptions seen;
  std::string endpoint;
};

const std::string kBarrier =
    "\xff"
    "bar/0123456789abcdef";

}  // namespace

TEST_CASE("a barrier subscription is handed up after the topics before it, with its lane") {
  StreamFixture f;
  Peer sub(f.clients, ZMQ_SUB, f.endpoint);
  sub.subscribe("a.b/");
  sub.subscribe(kBarrier);
  REQUIRE(f.await("\x01" + kBarrier));
  CHECK(f.seen.topics == std::vector<std::string>{"\x01"
                                                  "a.b/",
                                                  "\x01" + kBarrier});
  CHECK(f.seen.lanes.front() == Lane::changes);
}

TEST_CASE("a topic somebody else holds already is handed up again: a re-made join gets its barrier") {
  StreamFixture f;
  Peer one(f.clients, ZMQ_SUB, f.endpoint), two(f.clients, ZMQ_SUB, f.endpoint);
  one.subscribe(kBarrier);
  REQUIRE(f.await("\x01" + kBarrier));
  two.subscribe(kBarrier);
  CHECK(f.await("\x01" + kBarrier, 2));
}

TEST_CASE("a frame reaches the subscribers of its topic and no others, and no lane but its own") {
  StreamFixture f;
  Peer one(f.clients, ZMQ_SUB, f.endpoint), other(f.clients, ZMQ_SUB, f.endpoint);
  one.subscribe("a/");
  other.subscribe("ab/");
  REQUIRE(
      f.await("\x01"
              "a/"));
  REQUIRE(
      f.await("\x01"
              "ab/"));
  f.doors.publish(Lane::express, "a/never");
  f.doors.publish(Lane::changes, "a/first");
  f.doors.publish(Lane::changes, "ab/second");
  f.doors.publish(Lane::changes, "a/" + std::string(100'000, 'x'));  // large ones are given away, not copied
  Frames got;
  REQUIRE(eventually([&] { return one.receive(got); }));
  CHECK(got == Frames{"a/first"});
  REQUIRE(eventually([&] { return one.receive(got); }));
  CHECK(got == Frames{"a/" + std::string(100'000, 'x')});
  REQUIRE(eventually([&] { return other.receive(got); }));
  CHECK(got == Frames{"ab/second"});
}

TEST_CASE("I8: a subscriber that does not read loses frames and delays nobody") {
  // libzmq hears of what a subscriber took half a mark at a time, and looks for it about once a millisecond:
  // with a mark of less than what is sent meanwhile, who reads everything would lose frames too.
  StreamDoorSettings settings;
  settings.subscriber_frames_max = 1000;
  StreamFixture f(settings);
  Peer slow(f.clients, ZMQ_SUB, f.endpoint, 1), quick(f.clients, ZMQ_SUB, f.endpoint);
  slow.subscribe("a/");
  quick.subscribe("a/");
  REQUIRE(
      f.await("\x01"
              "a/",
              2));
  const std::string body(16u << 10, 'x');
  Frames got;
  for (int i = 0; i < 5000; ++i) {  // 80 MiB: far beyond the mark and the kernel's buffers of the slow one
    f.doors.publish(Lane::changes, "a/" + body);
    REQUIRE(eventually([&] { return quick.receive(got); }));
  }
  SUCCEED("publishing never blocked");
}

TEST_CASE("whatever a peer sends to the stream socket is handed up as bytes or cuts its connection") {
  StreamFixture f;
  Peer rude(f.clients, ZMQ_XSUB, f.endpoint), sub(f.clients, ZMQ_SUB, f.endpoint);
  rude.send({"\x02 user message"});
  rude.send({"\x01" + std::string(2000, 'x')});  // no topic is that long
  rude.send({""});
  sub.subscribe("a/");
  CHECK(
      f.await("\x01"
              "a/"));
  f.doors.publish(Lane::changes, "a/still here");
  Frames got;
  CHECK(eventually([&] { return sub.receive(got); }));
}
