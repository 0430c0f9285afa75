// Sockets by role: options, frames, ports.
#include "proto/transport/socket.hpp"

#include <catch2/catch.hpp>

#include <array>

#include "proto/wire/limits.hpp"

using namespace prismbus;

namespace {

template <class T>
T option(const Socket& socket, int name) {
  T value{};
  std::size_t size = sizeof value;
  REQUIRE(zmq_getsockopt(socket.handle(), name, &value, &size) == 0);
  return value;
}

}  // namespace

TEST_CASE("every role has the options that keep libzmq from losing or aborting") {
  Context context;
  for (const SocketRole role :
       {SocketRole::request_client, SocketRole::stream_client, SocketRole::requests_server,
        SocketRole::stream_server, SocketRole::admission}) {
    auto socket = Socket::open(context, role);
    REQUIRE(socket);
    CHECK(option<std::int64_t>(*socket, ZMQ_MAXMSGSIZE) == limits::kTransportBytes);
    CHECK(option<int>(*socket, ZMQ_HEARTBEAT_IVL) == 0);
    CHECK(option<int>(*socket, ZMQ_TCP_KEEPALIVE) == 1);
    CHECK(option<int>(*socket, ZMQ_TCP_MAXRT) == 15'000);
    CHECK(option<int>(*socket, ZMQ_LINGER) >= 0);
    CHECK(option<int>(*socket, ZMQ_LINGER) <= 1000);
    CHECK(option<int>(*socket, ZMQ_RECONNECT_IVL_MAX) == 0);
  }
  CHECK(option<int>(*Socket::open(context, SocketRole::stream_client), ZMQ_SNDHWM) == 0);
  CHECK(option<int>(*Socket::open(context, SocketRole::requests_server), ZMQ_RCVHWM) == 0);
  CHECK(option<int>(*Socket::open(context, SocketRole::stream_server), ZMQ_RCVHWM) == 0);
}

TEST_CASE("a bind to any free port tells which one it got, and a taken one is refused") {
  Context context;
  auto a = Socket::open(context, SocketRole::plain_router);
  const auto bound = a->bind(*Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind));
  REQUIRE(bound);
  const auto endpoint = Endpoint::parse(*bound, Endpoint::Use::connect);
  REQUIRE(endpoint);
  CHECK(endpoint->port() != 0);
  auto b = Socket::open(context, SocketRole::plain_router);
  CHECK(b->bind(*endpoint).error().code == ErrorCode::unavailable);
}

TEST_CASE("frames keep their bytes, shared or lent, small or large") {
  const std::string large(200'000, 'x');
  Frame lent = Frame::owning(std::string(large));
  Frame shared = lent.share();
  CHECK(lent.bytes().data() == shared.bytes().data());
  CHECK(shared.bytes() == large);
  Frame moved = std::move(lent);
  CHECK(moved.bytes() == large);
  CHECK(Frame(std::string_view("abc")).bytes() == "abc");
  CHECK(Frame::owning("abc").bytes() == "abc");
}

TEST_CASE("messages travel frame by frame, a ROUTER says when a peer is unknown") {
  Context context;
  auto router = Socket::open(context, SocketRole::requests_server);
  const auto bound = router->bind(*Endpoint::parse("tcp://127.0.0.1:*", Endpoint::Use::bind));
  auto dealer = Socket::open(context, SocketRole::request_client);
  REQUIRE(dealer->connect(*Endpoint::parse(*bound, Endpoint::Use::connect)));
  REQUIRE(dealer->send("", true) == Socket::Sent::yes);
  REQUIRE(dealer->send("payload") == Socket::Sent::yes);
  std::array<zmq_pollitem_t, 1> items{{{router->handle(), 0, ZMQ_POLLIN, 0}}};
  REQUIRE(poll_sockets(items, std::chrono::seconds(5)) == 1);
  Frame peer, empty, payload, none;
  REQUIRE(router->receive(peer) == Socket::Received::yes);
  REQUIRE(router->receive(empty) == Socket::Received::yes);
  REQUIRE(router->receive(payload) == Socket::Received::yes);
  CHECK(peer.more());
  CHECK(payload.bytes() == "payload");
  CHECK_FALSE(payload.more());
  CHECK(payload.source_fd() >= 0);
  CHECK(payload.metadata("Peer-Address") == "127.0.0.1");
  CHECK_FALSE(payload.metadata("User-Id"));
  CHECK(router->receive(none) == Socket::Received::nothing);
  CHECK(router->send("nobody-i-know", true) == Socket::Sent::unreachable);
}
