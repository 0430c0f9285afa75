// What waits inside, counted by connection, by principal and in all.
#include "broker/core/in_flight.hpp"

#include <catch2/catch.hpp>

namespace prismbus {
namespace {

InFlight::Who who(std::uint64_t connection, std::string_view principal = {}) {
  return {ConnectionId(connection), principal};
}
std::string refused(const Result<InFlight::Place>& place) {
  if (place) return "held";
  CHECK(place.error().code == ErrorCode::overloaded);
  CHECK(place.error().retry_after_ms.value_or(0) > 0);
  return place.error().message;
}

}  // namespace

TEST_CASE("requests in flight are bounded for each connection on its own (I8)") {
  InFlight in_flight(InFlight::Bounds{2, 100, 1000});
  const auto first = in_flight.hold(who(1));
  REQUIRE(first);
  CHECK(in_flight.hold(who(1)));
  CHECK(refused(in_flight.hold(who(1))) == "too many requests of this connection wait");
  CHECK(in_flight.hold(who(2)));
  in_flight.release(*first);
  CHECK(in_flight.hold(who(1)));
  CHECK(in_flight.total() == 3);
  CHECK(in_flight.connections() == 2);
  CHECK(in_flight.refusals().connection_requests == 1);
}

TEST_CASE("bytes that wait are bounded for each connection, but a single request always has its place (I8)") {
  InFlight in_flight(InFlight::Bounds{10, 100, 1000});
  const auto large = in_flight.hold(who(1), 500);
  REQUIRE(large);
  CHECK(refused(in_flight.hold(who(1), 1)) == "too many bytes of this connection wait");
  CHECK(in_flight.hold(who(1)));  // keeps none
  in_flight.release(*large);
  CHECK(in_flight.hold(who(1), 60));
  CHECK(in_flight.hold(who(1), 40));
  CHECK_FALSE(in_flight.hold(who(1), 1));
  CHECK(in_flight.refusals().connection_bytes == 2);
}

TEST_CASE("the bytes of all that wait are bounded together, and what is refused leaves nothing behind (I8)") {
  InFlight in_flight(InFlight::Bounds{10, 100, 150});
  const auto first = in_flight.hold(who(1), 100);
  REQUIRE(first);
  CHECK(refused(in_flight.hold(who(2, "alice"), 51)) == "too many bytes wait");
  CHECK(in_flight.of(ConnectionId(2)) == 0);
  CHECK(in_flight.connections() == 1);
  CHECK(in_flight.principals() == 0);
  CHECK(in_flight.bytes() == 100);
  const auto second = in_flight.hold(who(2), 50);
  REQUIRE(second);
  in_flight.release(*first);
  in_flight.release(*second);
  CHECK(in_flight.bytes() == 0);
  CHECK(in_flight.total() == 0);
  CHECK(in_flight.refusals().bytes == 1);
}

TEST_CASE("requests of a principal are bounded over all his connections, and nobody else's by them (I8)") {
  InFlight in_flight(InFlight::Bounds{10, 100, 1000, {3, 0}});
  std::vector<InFlight::Place> held;
  for (const std::uint64_t connection : {1, 2, 3}) held.push_back(*in_flight.hold(who(connection, "alice")));
  CHECK(refused(in_flight.hold(who(1, "alice"))) == "too many requests of this principal wait");
  CHECK(refused(in_flight.hold(who(4, "alice"))) == "too many requests of this principal wait");
  CHECK(in_flight.of(ConnectionId(4)) == 0);
  CHECK(in_flight.hold(who(4, "bob")));
  CHECK(in_flight.hold(who(1, "bob")));  // a token shown for one request alone
  CHECK(in_flight.hold(who(1)));         // nobody's
  in_flight.release(held[1]);
  CHECK(in_flight.hold(who(4, "alice")));
  CHECK(in_flight.refusals().principal_requests == 2);
  CHECK(in_flight.refusals().connection_requests == 0);
}

TEST_CASE("bytes of a principal are bounded over all his connections, the first of them excepted (I8)") {
  InFlight in_flight(InFlight::Bounds{10, 100, 1000, {0, 150}});
  const auto large = in_flight.hold(who(1, "alice"), 300);
  REQUIRE(large);
  CHECK(refused(in_flight.hold(who(2, "alice"), 1)) == "too many bytes of this principal wait");
  CHECK(in_flight.hold(who(2, "bob"), 1));
  in_flight.release(*large);
  CHECK(in_flight.hold(who(1, "alice"), 90));
  CHECK(in_flight.hold(who(2, "alice"), 60));
  CHECK_FALSE(in_flight.hold(who(3, "alice"), 1));
  CHECK(in_flight.refusals().principal_bytes == 2);
}

TEST_CASE("bounds of a principal that change count for what comes from then on") {
  InFlight in_flight(InFlight::Bounds{10, 100, 1000, {1, 0}});
  const auto first = in_flight.hold(who(1, "alice"));
  REQUIRE(first);
  CHECK_FALSE(in_flight.hold(who(2, "alice")));
  in_flight.set_bounds({2, 0});
  const auto second = in_flight.hold(who(2, "alice"));
  REQUIRE(second);
  in_flight.set_bounds({1, 0});
  in_flight.release(*first);
  CHECK_FALSE(in_flight.hold(who(1, "alice")));
  in_flight.release(*second);
  CHECK(in_flight.principals() == 0);
  in_flight.set_bounds({0, 0});
  for (std::uint64_t i = 0; i < 10; ++i) CHECK(in_flight.hold(who(i, "alice")));
}

}  // namespace prismbus
