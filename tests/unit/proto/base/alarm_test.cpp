#include "proto/base/alarm.hpp"

#include <poll.h>
#include <catch2/catch.hpp>

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

bool rings(const Alarm& alarm, int at_most_ms) {
  pollfd p{alarm.fd(), POLLIN, 0};
  return ::poll(&p, 1, at_most_ms) == 1;
}

}  // namespace

TEST_CASE("an alarm goes off at its moment, not before, and once") {
  Alarm alarm;
  CHECK_FALSE(rings(alarm, 0));
  const Steady at = read_clock().steady + 300us;
  alarm.set(at);
  REQUIRE(rings(alarm, 10'000));
  CHECK(read_clock().steady >= at);
  alarm.clear();
  CHECK_FALSE(rings(alarm, 0));
}

TEST_CASE("a moment that is past counts as now, and a later one replaces it") {
  Alarm alarm;
  alarm.set(Steady(1ns));
  REQUIRE(rings(alarm, 10'000));
  alarm.set(read_clock().steady + 1h);
  CHECK_FALSE(rings(alarm, 0));
  alarm.set(read_clock().steady);
  CHECK(rings(alarm, 10'000));
}
