// One lane's barrier and silence, on a clock of our own.
#include "subscriber/sync/lane_watch.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;
using namespace std::chrono_literals;

TEST_CASE("a lane is in force with its barrier's first frame; a second tells of a silent reconnect") {
  LaneWatch lane;
  const Steady t{100s};
  lane.join("nonce", 1000ms, t, 0);
  CHECK_FALSE(lane.in_force());
  CHECK(lane.on_barrier("another") == LaneWatch::Barrier::not_ours);
  CHECK(lane.on_barrier("nonce") == LaneWatch::Barrier::first);
  CHECK(lane.in_force());
  CHECK(lane.on_barrier("nonce") == LaneWatch::Barrier::again);
}

TEST_CASE("a late barrier is asked for anew after 250 ms, then after twice as long, up to 5 s") {
  LaneWatch lane;
  Steady t{100s};
  lane.join("1", 1000ms, t, 0);
  CHECK_FALSE(lane.barrier_late(t + 249ms));
  CHECK(lane.barrier_late(t + 250ms));
  auto wait = 250ms;
  for (int i = 0; i < 8; ++i) {
    t += wait;
    lane.heard(t);
    lane.rejoin_barrier("2", t, 0);
    wait = std::min<std::chrono::milliseconds>(2 * wait, 5000ms);
    CHECK_FALSE(lane.barrier_late(t + wait - 1ms));
    CHECK(lane.barrier_late(t + wait));
  }
  CHECK(lane.barrier_given_up(t + wait));
}

TEST_CASE("a lane is dead after three announced intervals and a random part of half as much") {
  LaneWatch lane;
  const Steady t{100s};
  lane.join("n", 1000ms, t, 0);
  CHECK_FALSE(lane.dead(t + 2999ms));
  CHECK(lane.dead(t + 3000ms));
  lane.expect_next(2000ms, 0);
  lane.heard(t + 1s);
  CHECK_FALSE(lane.dead(t + 6999ms));
  CHECK(lane.dead(t + 7s));
  lane.expect_next(24h, ~0ull);  // more than a broker may announce
  CHECK(lane.dead(t + 1s + 135s));
}
