// The watch of connections against real sockets: what never ends is cut, what is only large or only queued is
// not.
#include "broker/net/connection_watch.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "tests/unit/broker/net/door_fixture.hpp"
#include "tests/unit/broker/net/raw_peer.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

constexpr std::size_t kMiB = 1u << 20;
// Beyond its bound a flooder has sent what the kernel buffers, and what it brings in two looks.
constexpr std::size_t kSlack = 24 * kMiB;

RequestDoorSettings metered(DoorMeter& meter) {
  RequestDoorSettings settings;
  settings.meter = &meter;
  return settings;
}

struct WatchFixture {
  explicit WatchFixture(ConnectionLimits limits = {})
      : door(context, metered(meter)), watch(context, meter, limits, {[] {}, [this] { return memory; }}) {
    StreamDoor& stream = streams.add(context, Lane::changes, {});
    watch.observe(door.socket(), ConnectionWatch::Door::requests);
    watch.observe(stream.socket(), ConnectionWatch::Door::stream);
    const auto anywhere = *Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind);
    requests = *door.bind(anywhere);
    changes = *stream.bind(anywhere);
  }
  // A step of both threads; always true, so that it can stand in a condition.
  bool step(std::size_t messages_max = 256) {
    door.receive(messages_max, 64 * kMiB, recorder);
    door.tend(recorder);
    return look();
  }
  bool look() {
    now += ConnectionWatch::kLook;
    watch.step(now);
    return true;
  }
  // Without an end, a mebibyte after the other.
  bool flood(RawPeer& peer) {
    if (peer.pump()) peer.add(RawPeer::frame(std::string(kMiB, 'x'), true));
    return true;
  }

  Context context, clients;
  RunningAdmission admission{context};
  DoorMeter meter;
  RequestDoor door;
  StreamDoors streams;
  Recorder recorder;
  std::string requests, changes;
  Steady now{std::chrono::hours(1)};
  std::uint64_t memory = 100 * kMiB;
  ConnectionWatch watch;  // ends before the sockets it watches
};

}  // namespace

TEST_CASE("I8: a message that never ends is cut, also of a connection that never completed one") {
  const bool known = GENERATE(false, true);
  WatchFixture f;
  Peer witness(f.clients, ZMQ_DEALER, f.requests);
  RawPeer flooder(f.requests, "DEALER");
  if (known) {
    flooder.add(RawPeer::frame("", true) + RawPeer::frame("hello", false));
    REQUIRE(eventually([&] { return flooder.pump() && f.step() && f.recorder.requests.size() == 1; }));
  }
  flooder.add(RawPeer::frame("", true));
  REQUIRE(eventually([&] { return f.flood(flooder) && f.step() && flooder.cut(); }));
  CHECK(f.watch.counters().endless == 1);
  CHECK(flooder.sent() < ConnectionWatch::kUnfinishedBytesMax + kSlack);
  const std::size_t before = f.recorder.requests.size();
  witness.send({"", "still there"});
  CHECK(eventually([&] { return f.step() && f.recorder.requests.size() > before; }));
  CHECK(eventually([&] { return f.step() && f.watch.connections() == 1; }));
}

TEST_CASE("I8: it is cut while others keep the door from ever running dry") {
  WatchFixture f;
  Peer busy(f.clients, ZMQ_DEALER, f.requests);
  for (int i = 0; i < 200'000; ++i) busy.send({"", "request"});
  REQUIRE(eventually([&] { return f.step(16) && f.recorder.requests.size() >= 16; }));
  RawPeer flooder(f.requests, "DEALER");
  flooder.add(RawPeer::frame("", true));
  const std::uint64_t dry = f.meter.dry();
  REQUIRE(eventually([&] { return f.flood(flooder) && f.step(16) && flooder.cut(); }));
  CHECK(f.meter.dry() == dry);
  CHECK(f.watch.counters().endless == 1);
}

TEST_CASE("a large message that stops half way is waited for, however often the door runs dry meanwhile") {
  WatchFixture f;
  RawPeer slow(f.requests, "DEALER");
  const std::string payload = RawPeer::frame(std::string(8 * kMiB, 'x'), false);
  slow.add(RawPeer::frame("", true) + payload.substr(0, payload.size() - 1));
  REQUIRE(eventually([&] { return slow.pump() && f.step() && f.meter.dry() > 100; }));
  for (int i = 0; i < 100; ++i) f.step();
  slow.add(payload.substr(payload.size() - 1));
  REQUIRE(eventually([&] { return slow.pump() && f.step() && f.recorder.requests.size() == 1; }));
  CHECK_FALSE(slow.cut());
  CHECK(f.watch.counters().endless == 0);
}

TEST_CASE("whole messages that the bus has not taken yet are no flood to the watch") {
  WatchFixture f;
  Peer writer(f.clients, ZMQ_DEALER, f.requests);
  const std::string payload(kMiB, 'x');
  constexpr std::size_t kMessages = 40;
  for (std::size_t i = 0; i < kMessages; ++i) writer.send({"", payload});
  for (int i = 0; i < 200; ++i) f.look();  // the bus is busy elsewhere
  REQUIRE(eventually([&] { return f.step(1) && f.recorder.requests.size() == kMessages; }));
  CHECK(f.watch.counters().endless == 0);
  CHECK(f.watch.counters().crowding == 0);
}

TEST_CASE("I8: unfinished messages of many connections are bounded together") {
  WatchFixture f;
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (std::uint64_t i = 0; i * 9 * kMiB <= ConnectionWatch::kUnfinishedTotalMax; ++i) {
    peers.push_back(std::make_unique<RawPeer>(f.requests, "DEALER"));
    peers.back()->add(RawPeer::frame(std::string(9 * kMiB, 'x'), true));
  }
  REQUIRE(eventually([&] {
    for (const auto& peer : peers) peer->pump();
    return f.step() && f.watch.counters().crowding > 0;
  }));
  for (int i = 0; i < 10; ++i) f.step();
  CHECK(f.watch.counters().crowding == 1);
  CHECK(f.watch.counters().endless == 0);
}

TEST_CASE(
    "I8: an unfinished message goes when the process grew by much more than its bytes, a small one does "
    "not") {
  WatchFixture f;
  RawPeer costly(f.requests, "DEALER"), small(f.requests, "DEALER");
  costly.add(RawPeer::frame(std::string(2 * kMiB, 'x'), true));
  small.add(RawPeer::frame(std::string(512 << 10, 'x'), true));
  REQUIRE(eventually([&] {
    costly.pump();
    small.pump();
    return f.step() && f.watch.unfinished() > 5 * kMiB / 2;
  }));
  f.memory += ConnectionWatch::kGrowthMax - 1;
  for (int i = 0; i < 10; ++i) f.step();
  CHECK(f.watch.counters().crowding == 0);
  f.memory += 1;
  REQUIRE(eventually([&] { return f.step() && (costly.pump(), costly.cut()); }));
  f.memory += 2 * ConnectionWatch::kGrowthMax;
  for (int i = 0; i < 10; ++i) f.step();
  small.pump();
  CHECK_FALSE(small.cut());
  CHECK(f.watch.counters().crowding == 1);
}

TEST_CASE("I8: a subscriber that sends more than topics is cut, whole messages or not; others are not") {
  const bool more = GENERATE(false, true);
  WatchFixture f;
  Peer good(f.clients, ZMQ_SUB, f.changes);
  for (int i = 0; i < 10'000; ++i) good.subscribe("a.namespace." + std::to_string(i) + "/");
  RawPeer flooder(f.changes, "SUB");
  const std::string topic = RawPeer::frame("\x01" + std::string(500, 't'), more);
  std::string many;
  for (int i = 0; i < 1000; ++i) many += topic;
  class Nobody final : public SubscriptionHandler {
    void on_subscription(Lane, std::string_view) override {}
  } nobody;
  REQUIRE(eventually([&] {
    if (flooder.pump()) flooder.add(many);
    f.streams.all().front()->receive(256, nobody);
    return f.step() && flooder.cut();
  }));
  CHECK(f.watch.counters().oversubscribed == 1);
  CHECK(flooder.sent() < ConnectionWatch::kSubscriptionBytesMax + kSlack);
  CHECK(eventually([&] { return f.step() && f.watch.connections() == 1; }));
}

TEST_CASE("connections beyond the most there may be are cut as they come, and let in when others left") {
  const bool by_address = GENERATE(false, true);
  WatchFixture f(by_address ? ConnectionLimits{0, 2} : ConnectionLimits{2, 0});
  RawPeer one(f.requests, "DEALER"), two(f.changes, "SUB");
  REQUIRE(eventually([&] { return one.pump() && two.pump() && f.step() && f.watch.connections() == 2; }));
  auto third = std::make_unique<RawPeer>(f.requests, "DEALER");
  REQUIRE(eventually([&] { return f.step() && (third->pump(), third->cut()); }));
  CHECK_FALSE((one.cut() || two.cut()));
  const WatchCounters& c = f.watch.counters();
  CHECK((by_address ? c.over_address_max : c.over_connections_max) == 1);
  f.watch.set_limits({3, 3});
  RawPeer again(f.requests, "DEALER");
  CHECK(eventually([&] { return again.pump() && f.step() && f.watch.connections() == 3; }));
  CHECK_FALSE(again.cut());
}

TEST_CASE("who stalls in its handshake counts until it is gone") {
  WatchFixture f;
  {
    RawPeer silent(f.requests, "DEALER");
    CHECK(eventually([&] { return f.step() && f.watch.connections() == 1; }));
  }
  CHECK(eventually([&] { return f.step() && f.watch.connections() == 0; }));
}

TEST_CASE("without traffic no look is due") {
  WatchFixture f;
  RawPeer peer(f.requests, "DEALER");
  REQUIRE(eventually([&] { return peer.pump() && f.step() && f.watch.connections() == 1; }));
  f.step();
  CHECK_FALSE(f.watch.next_look(f.now + ConnectionWatch::kLook).has_value());
}
