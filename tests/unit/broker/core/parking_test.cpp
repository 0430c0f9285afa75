#include "broker/core/parking.hpp"

#include <catch2/catch.hpp>

namespace prismbus {
namespace {

Steady at(int ms) {
  return Steady(std::chrono::milliseconds(ms));
}
Parked waiting(std::uint64_t id, std::uint64_t rev, int deadline_ms) {
  return {{}, {false, id}, "payload", Revision(rev), at(deadline_ms)};
}
std::vector<std::uint64_t> ids(const std::vector<Parked>& parked) {
  std::vector<std::uint64_t> out;
  for (const Parked& p : parked) out.push_back(p.id.bits);
  return out;
}
using Ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("a parked request wakes when its revision is applied, oldest first") {
  Parking parking(10);
  REQUIRE(parking.park(waiting(1, 7, 10)));
  REQUIRE(parking.park(waiting(2, 5, 20)));
  REQUIRE(parking.park(waiting(3, 6, 30)));
  CHECK(parking.take_applied(Revision(4)).empty());
  CHECK(ids(parking.take_applied(Revision(6))) == Ids{2, 3});
  CHECK(parking.take_applied(Revision(6)).empty());
  REQUIRE(parking.park(waiting(4, 6, 40)));
  CHECK(ids(parking.take_applied(Revision(7))) == Ids{1, 4});
  CHECK(parking.size() == 0);
}

TEST_CASE("a parked request ends at its deadline") {
  Parking parking(10);
  REQUIRE(parking.park(waiting(1, 7, 10)));
  REQUIRE(parking.park(waiting(2, 5, 20)));
  CHECK(parking.next_deadline(at(1000)) == at(10));
  CHECK(parking.next_deadline(at(5)) == at(5));
  CHECK(parking.take_expired(at(9)).empty());
  CHECK(ids(parking.take_expired(at(10))) == Ids{1});
  CHECK(ids(parking.take_all()) == Ids{2});
  CHECK(parking.next_deadline(at(1000)) == at(1000));
}

TEST_CASE("parking is bounded, and full is an answer (I8)") {
  Parking parking(1);
  REQUIRE(parking.park(waiting(1, 7, 10)));
  CHECK_FALSE(parking.park(waiting(2, 7, 10)));
  CHECK(ids(parking.take_applied(Revision(9))) == Ids{1});
  CHECK(parking.park(waiting(3, 7, 10)));
}

}  // namespace prismbus
