// The subscriber's state machine against a model broker and a network that
// drops, doubles, delays, reorders across namespaces, re-makes connections in
// silence, restarts the broker, changes its epoch, compacts, and cuts buffers.
// PRISMBUS_RUNS = how many seeded trials; PRISMBUS_SEED = run that one alone.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tests/model/sync_model_world.hpp"

namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE(
    "lanes that change a hundred times under writes lose nothing and "
    "cause no resync (I5 I6)") {
  using prismbus::sync_model::World;
  const std::uint64_t runs = setting("PRISMBUS_RUNS", 2000) / 20;
  std::uint64_t flips = 0, frames = 0, gaps = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    INFO("seed " << seed);
    World world(seed, World::Trouble::lanes);
    try {
      world.run_lanes(100);
    } catch (const std::runtime_error& e) {
      FAIL(e.what());
    }
    CHECK(world.summary().resyncs == 0);
    CHECK(world.summary().snapshots <= 8);  // of the first join, some asked before its epoch was shown
    flips += world.summary().flips;
    frames += world.summary().frames;
    gaps += world.summary().gaps;
  }
  WARN("seeds 1.." << runs << ": lane changes " << flips << ", frames " << frames << ", gaps closed "
                   << gaps);
}

TEST_CASE(
    "a subscriber on a bad network ends equal to the broker and never "
    "hides a gap (I5 I6 I11)") {
  const std::uint64_t one = setting("PRISMBUS_SEED", 0);
  const std::uint64_t runs = one != 0 ? 1 : setting("PRISMBUS_RUNS", 2000);
  prismbus::sync_model::World::Summary sum;
  for (std::uint64_t i = 0; i < runs; ++i) {
    const std::uint64_t seed = one != 0 ? one : i + 1;
    INFO("PRISMBUS_SEED=" << seed);
    prismbus::sync_model::World world(seed);
    try {
      world.run();
    } catch (const std::runtime_error& e) {
      FAIL(e.what());
    }
    const auto& s = world.summary();
    sum.commits += s.commits;
    sum.events += s.events;
    sum.joins += s.joins;
    sum.resyncs += s.resyncs;
    sum.gaps += s.gaps;
    sum.overflows += s.overflows;
    sum.epochs += s.epochs;
    sum.runs += s.runs;
    sum.moves += s.moves;
    sum.frames += s.frames;
    sum.acks += s.acks;
    sum.behind += s.behind;
    sum.rejected += s.rejected;
    sum.syncs += s.syncs;
    sum.syncs_incomplete += s.syncs_incomplete;
  }
  WARN("seeds 1.." << runs << ": commits " << sum.commits << ", frames " << sum.frames << ", events "
                   << sum.events << ", joins " << sum.joins << ", resyncs " << sum.resyncs << ", gaps "
                   << sum.gaps << ", overflows " << sum.overflows << ", restarts " << sum.runs << ", epochs "
                   << sum.epochs << ", moves " << sum.moves << ", acks " << sum.acks
                   << ", lost tails they told of " << sum.behind << ", changes refused " << sum.rejected
                   << ", syncs asked for " << sum.syncs << ", of them not complete " << sum.syncs_incomplete);
  // The network was bad enough to mean something.
  if (runs >= 500) {
    CHECK(sum.gaps > runs);
    CHECK(sum.overflows > 0);
    CHECK(sum.epochs > 0);
    CHECK(sum.resyncs > 0);
    CHECK(sum.acks > runs);
    CHECK(sum.behind > 0);
    CHECK(sum.rejected > runs);
    CHECK(sum.syncs > runs);
    CHECK(sum.syncs_incomplete < sum.syncs / 2);
  }
}
