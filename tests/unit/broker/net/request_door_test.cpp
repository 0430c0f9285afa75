// The request door against raw ZeroMQ peers: framing, numbering, and who is dropped.
#include "broker/net/request_door.hpp"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/broker/net/door_fixture.hpp"

using namespace prismbus;
using namespace prismbus::test;

TEST_CASE("a request of a REQ arrives without its envelope and the reply finds its way back") {
  DoorFixture f;
  Peer peer(f.clients, ZMQ_REQ, f.endpoint);
  peer.send({"question"});
  REQUIRE(f.await_requests(1));
  CHECK(f.recorder.requests[0].payload == "question");
  CHECK(f.recorder.requests[0].from.envelope.empty());
  CHECK(f.recorder.requests[0].from.connection.value() > 0);
  f.door.reply(f.recorder.requests[0].from, "answer");
  Frames reply;
  REQUIRE(eventually([&] { return peer.receive(reply); }));
  CHECK(reply == Frames{"answer"});
}

TEST_CASE("every frame up to and including the first empty one is echoed") {
  DoorFixture f;
  Peer peer(f.clients, ZMQ_DEALER, f.endpoint);
  peer.send({"a", "bb", "ccc", "", "payload"});
  REQUIRE(f.await_requests(1));
  f.door.reply(f.recorder.requests[0].from, "answer");
  Frames reply;
  REQUIRE(eventually([&] { return peer.receive(reply); }));
  CHECK(reply == Frames{"a", "bb", "ccc", "", "answer"});
}

TEST_CASE("the empty frame may be the eighth; without one among eight the message is dropped and counted") {
  DoorFixture f;
  Peer peer(f.clients, ZMQ_DEALER, f.endpoint);
  peer.send({"1", "2", "3", "4", "5", "6", "7", "8", "", "too late"});
  peer.send({"no empty frame at all"});
  peer.send({"1", "2", "3", "4", "5", "6", "7", "", "in time"});
  REQUIRE(f.await_requests(1));
  CHECK(f.recorder.requests[0].payload == "in time");
  CHECK(f.door.counters().no_envelope == 2);
  CHECK(f.recorder.malformed.empty());
}

TEST_CASE("not exactly one payload frame is malformed, and the connection lives on") {
  DoorFixture f;
  Peer peer(f.clients, ZMQ_DEALER, f.endpoint);
  peer.send({""});
  peer.send({"", "one", "two"});
  peer.send({"", "one", "two", "three", "", "five"});
  peer.send({"", ""});
  peer.send({"", "good"});
  REQUIRE(f.await_requests(2));
  REQUIRE(f.recorder.malformed.size() == 3);
  CHECK(f.recorder.malformed[0].payload == "no payload frame");
  CHECK(f.recorder.malformed[1].payload == "more than one payload frame");
  CHECK(f.recorder.requests[0].payload.empty());  // an empty payload is the codec's to refuse
  CHECK(f.recorder.requests[1].payload == "good");
  f.door.reply(f.recorder.malformed[1].from, "refused");
  Frames reply;
  REQUIRE(eventually([&] { return peer.receive(reply); }));
  CHECK(reply == Frames{"", "refused"});
}

TEST_CASE("each connection has a number of its own, a re-made one a new number") {
  DoorFixture f;
  Peer one(f.clients, ZMQ_DEALER, f.endpoint), two(f.clients, ZMQ_DEALER, f.endpoint);
  one.send({"", "1"});
  REQUIRE(f.await_requests(1));
  two.send({"", "2"});
  REQUIRE(f.await_requests(2));
  one.close();
  Peer again(f.clients, ZMQ_DEALER, f.endpoint);
  again.send({"", "3"});
  again.send({"", "4"});
  REQUIRE(f.await_requests(4));
  const auto number = [&](std::size_t i) { return f.recorder.requests[i].from.connection; };
  CHECK(number(0) != number(1));
  CHECK(number(2) != number(0));
  CHECK(number(2) != number(1));
  CHECK(number(2) == number(3));
}

TEST_CASE("a reply to a peer that is gone is counted and harms nobody") {
  DoorFixture f;
  Peer gone(f.clients, ZMQ_DEALER, f.endpoint), stays(f.clients, ZMQ_DEALER, f.endpoint);
  gone.send({"", "1"});
  REQUIRE(f.await_requests(1));
  stays.send({"", "2"});
  REQUIRE(f.await_requests(2));
  gone.close();
  REQUIRE(eventually([&] {
    f.door.reply(f.recorder.requests[0].from, "into the void");
    return f.door.counters().unroutable > 0;
  }));
  f.door.reply(f.recorder.requests[1].from, "answer");
  Frames reply;
  CHECK(eventually([&] { return f.pump() && stays.receive(reply); }));
}

TEST_CASE("I8: a peer that does not read its replies is dropped, alone, when its queue is full") {
  RequestDoorSettings settings;
  settings.reply_frames_max = 16;
  DoorFixture f(settings);
  Peer slow(f.clients, ZMQ_DEALER, f.endpoint, 1), other(f.clients, ZMQ_DEALER, f.endpoint);
  slow.send({"", "1"});
  REQUIRE(f.await_requests(1));
  other.send({"", "2"});
  REQUIRE(f.await_requests(2));
  REQUIRE(eventually([&] {
    f.door.reply(f.recorder.requests[0].from, std::string(256u << 10, 'x'));
    return f.door.counters().peers_not_reading > 0;
  }));
  CHECK(f.door.counters().peers_not_reading == 1);
  // Its connection is cut: soon libzmq no longer knows the routing id.
  CHECK(eventually([&] {
    f.pump();  // libzmq ends a connection when its last message, that it ended, was taken
    f.door.reply(f.recorder.requests[0].from, "x");
    return f.door.counters().unroutable > 0;
  }));
  f.door.reply(f.recorder.requests[1].from, "answer");
  Frames reply;
  CHECK(eventually([&] { return other.receive(reply); }));
}

TEST_CASE("I8: a peer that leaves too many bytes of replies unread is dropped before its queue is full") {
  RequestDoorSettings settings;
  settings.backlog_bytes_max = 1u << 20;
  DoorFixture f(settings);
  Peer slow(f.clients, ZMQ_DEALER, f.endpoint, 1);
  slow.send({"", "1"});
  REQUIRE(f.await_requests(1));
  int sent = 0;
  while (f.door.counters().peers_not_reading == 0 && sent < 1000) {
    f.door.reply(f.recorder.requests[0].from, std::string(256u << 10, 'x'));
    ++sent;
  }
  CHECK(f.door.counters().peers_not_reading == 1);
  CHECK(sent < 200);  // 50 MiB: the limit, and what the kernel's buffers took
}

TEST_CASE("I8: a peer that sends faster than it is served is dropped and what it had queued is thrown away") {
  RequestDoorSettings settings;
  settings.backlog_bytes_max = 1u << 20;
  DoorFixture f(settings);
  Peer flooder(f.clients, ZMQ_DEALER, f.endpoint), other(f.clients, ZMQ_DEALER, f.endpoint);
  other.send({"", "quiet"});
  REQUIRE(f.await_requests(1));
  const std::string payload(64u << 10, 'x');
  for (int i = 0; i < 500; ++i) flooder.send({"", payload});
  // One message at a time while 32 MiB wait: the check comes after each mebibyte.
  REQUIRE(eventually([&] { return f.pump(1) && f.door.counters().peers_flooding == 1; }));
  const std::size_t served = f.recorder.requests.size();
  CHECK(served < 100);
  f.door.reply(f.recorder.requests[0].from, "answer");
  Frames reply;
  CHECK(eventually([&] { return f.pump() && other.receive(reply); }));
  CHECK(f.recorder.requests.size() == served);
}

TEST_CASE("what CURVE adds to each frame is counted, so that nobody is a flooder for having sent many") {
  const CurveKeyPair broker = *CurveKeyPair::fresh(), client = *CurveKeyPair::fresh();
  RequestDoorSettings settings;
  settings.backlog_bytes_max = 64u << 10;
  settings.curve_secret = broker.secret_key;
  DoorFixture f(settings);
  Peer peer(f.clients, ZMQ_DEALER, f.endpoint, 0, CurveClient{broker.public_key, client});
  constexpr std::size_t kRequests = 5000;  // 330 KB of nonces and seals
  for (std::size_t n = 1; n <= kRequests; ++n) {
    peer.send({"", "request"});
    REQUIRE(f.await_requests(n));
  }
  CHECK(f.door.counters().peers_flooding == 0);
}

TEST_CASE("drop cuts exactly that connection, and its client comes back under another number") {
  DoorFixture f;
  Peer dropped(f.clients, ZMQ_DEALER, f.endpoint), other(f.clients, ZMQ_DEALER, f.endpoint);
  dropped.send({"", "1"});
  REQUIRE(f.await_requests(1));
  other.send({"", "2"});
  REQUIRE(f.await_requests(2));
  const ConnectionId before = f.recorder.requests[0].from.connection;
  f.door.drop(before);
  // A DEALER reconnects by itself; what it sent into the dying connection may be lost. Not more at a time
  // than one: libzmq aborts when a socket is closed with half of a message written to a connection that ends
  // then.
  auto patience = std::chrono::steady_clock::now();
  REQUIRE(eventually([&] {
    if (std::chrono::steady_clock::now() >= patience) {
      dropped.send({"", "again"});
      patience += std::chrono::milliseconds(50);
    }
    return f.pump() && f.recorder.requests.size() > 2;
  }));
  CHECK(f.recorder.requests.back().from.connection != before);
  f.door.reply(f.recorder.requests[1].from, "answer");
  Frames reply;
  CHECK(eventually([&] { return other.receive(reply); }));
}

TEST_CASE("a frame over the transport's limit costs its sender the connection and nobody else") {
  DoorFixture f;
  Peer big(f.clients, ZMQ_DEALER, f.endpoint), other(f.clients, ZMQ_DEALER, f.endpoint);
  big.send({"", std::string(10u << 20, 'x')});
  other.send({"", "small"});
  REQUIRE(f.await_requests(1));
  CHECK(f.recorder.requests[0].payload == "small");
  big.send({"", "small again"});
  CHECK(f.await_requests(2));
}

TEST_CASE("connections that are gone are forgotten") {
  DoorFixture f;
  Recorder gone;
  {
    Peer one(f.clients, ZMQ_DEALER, f.endpoint), two(f.clients, ZMQ_DEALER, f.endpoint);
    one.send({"", "1"});
    two.send({"", "2"});
    REQUIRE(f.await_requests(2));
    CHECK(f.door.connections() == 2);
  }
  CHECK(eventually([&] {
    f.pump();
    f.door.tend(gone);
    return f.door.connections() == 0;
  }));
  CHECK(gone.gone.size() == 2);
}

TEST_CASE("a door binds by name of the loopback, by IPv6 and by path, and not where somebody listens") {
  DoorFixture f;
  const auto bind = [&](RequestDoor& door, const std::string& text) {
    return door.bind(*Endpoint::parse(text, Endpoint::Use::bind));
  };
  CHECK(bind(f.door, "tcp://[::1]:0").has_value());
  const auto by_name = bind(f.door, "tcp://localhost:0");
  REQUIRE(by_name.has_value());
  CHECK(by_name->starts_with("tcp://127.0.0.1:"));
  std::string dir = (std::filesystem::temp_directory_path() / "prismbus-door-XXXXXX").string();
  REQUIRE(::mkdtemp(dir.data()) != nullptr);
  const std::string path = "ipc://" + dir + "/requests";
  REQUIRE(bind(f.door, path).has_value());
  CHECK(f.door.endpoints().size() == 4);

  Peer local(f.clients, ZMQ_DEALER, path);
  local.send({"", "by path"});
  REQUIRE(f.await_requests(1));

  RequestDoor second(f.context, {});
  for (const std::string& taken : {f.endpoint, path}) {
    INFO(taken);
    const auto refused = bind(second, taken);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::unavailable);
    CHECK(refused.error().message.find(taken) != std::string::npos);
  }
  local.send({"", "still served"});
  CHECK(f.await_requests(2));
  std::filesystem::remove_all(dir);
}
