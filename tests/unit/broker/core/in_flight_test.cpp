// What waits inside is bounded: requests of a connection, their bytes, and the bytes of all.
#include "broker/core/in_flight.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

TEST_CASE("requests of a connection are bounded, and released make room") {
  InFlight in_flight(InFlight::Bounds{2, 100, 1000});
  CHECK(in_flight.hold(ConnectionId(1)));
  CHECK(in_flight.hold(ConnectionId(1)));
  CHECK(in_flight.hold(ConnectionId(1)).error().code == ErrorCode::overloaded);
  CHECK(in_flight.hold(ConnectionId(2)));
  in_flight.release(ConnectionId(1));
  CHECK(in_flight.hold(ConnectionId(1)));
  CHECK(in_flight.total() == 3);
}

TEST_CASE("bytes of a connection are bounded, but the first of them always has its place") {
  InFlight in_flight(InFlight::Bounds{10, 100, 1000});
  CHECK(in_flight.hold(ConnectionId(1), 500));
  CHECK(in_flight.hold(ConnectionId(1), 1).error().retry_after_ms.has_value());
  CHECK(in_flight.hold(ConnectionId(1)));  // keeps none
  in_flight.release(ConnectionId(1), 500);
  CHECK(in_flight.hold(ConnectionId(1), 60));
  CHECK(in_flight.hold(ConnectionId(1), 40));
  CHECK_FALSE(in_flight.hold(ConnectionId(1), 1));
}

TEST_CASE("bytes of all connections together are bounded, and a refusal holds nothing") {
  InFlight in_flight(InFlight::Bounds{10, 100, 150});
  CHECK(in_flight.hold(ConnectionId(1), 100));
  CHECK_FALSE(in_flight.hold(ConnectionId(2), 51));
  CHECK(in_flight.of(ConnectionId(2)) == 0);
  CHECK(in_flight.bytes() == 100);
  CHECK(in_flight.hold(ConnectionId(2), 50));
  in_flight.release(ConnectionId(1), 100);
  in_flight.release(ConnectionId(2), 50);
  CHECK(in_flight.bytes() == 0);
  CHECK(in_flight.total() == 0);
}
