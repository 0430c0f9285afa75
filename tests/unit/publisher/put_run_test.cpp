#include "publisher/put_run.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;
using namespace std::chrono_literals;

namespace {

constexpr PutRun::Limits kLimits{3, 100};
const Steady kStart{1h};

PutRun::Put put(std::uint64_t key, std::size_t bytes = 10, Steady deadline = kStart + 30s) {
  return {key, bytes, deadline};
}

}  // namespace

TEST_CASE("puts are gathered until the window of the first is over") {
  PutRun run(200us);
  CHECK_FALSE(run.off());
  CHECK(PutRun(0us).off());
  CHECK(run.due_at() == Steady::max());
  REQUIRE(run.add(put(1), kLimits, kStart));
  REQUIRE(run.add(put(2), kLimits, kStart + 150us));
  CHECK(run.size() == 2);
  CHECK(run.due_at() == kStart + 200us);
  CHECK_FALSE(run.due(kStart + 199us));
  CHECK(run.due(kStart + 200us));
  run.clear();
  CHECK(run.size() == 0);
  REQUIRE(run.add(put(1), kLimits, kStart + 1s));
  CHECK(run.due_at() == kStart + 1s + 200us);
}

TEST_CASE("a full transaction leaves at once: changes, and bytes (I8)") {
  PutRun run(1ms);
  for (std::uint64_t key = 1; key <= 3; ++key) REQUIRE(run.add(put(key), kLimits, kStart));
  CHECK(run.closed());
  CHECK(run.due(kStart));
  CHECK_FALSE(run.add(put(4), kLimits, kStart));
  CHECK(run.size() == 3);
  run.clear();
  REQUIRE(run.add(put(1, 60), kLimits, kStart));
  CHECK_FALSE(run.add(put(2, 41), kLimits, kStart));
  CHECK(run.due(kStart));
  run.clear();
  REQUIRE(
      run.add(put(1, 1000), kLimits, kStart));  // too large together with anything, and nothing is with it
  CHECK(run.closed());
}

TEST_CASE("a key goes in once, and what ends at another time goes apart") {
  PutRun run(1ms);
  REQUIRE(run.add(put(1), kLimits, kStart));
  CHECK_FALSE(run.add(put(1), kLimits, kStart));
  CHECK(run.due(kStart));
  run.clear();
  REQUIRE(run.add(put(1, 10, kStart + 10s), kLimits, kStart));
  REQUIRE(run.add(put(2, 10, kStart + 10s - PutRun::kDeadlinesApart), kLimits, kStart));
  CHECK(run.deadline() == kStart + 10s - PutRun::kDeadlinesApart);
  CHECK_FALSE(run.add(put(3, 10, kStart + 10s + PutRun::kDeadlinesApart + 1ns), kLimits, kStart));
}

TEST_CASE("hurried puts leave now and may still take others along; cut ones may not") {
  PutRun run(1ms);
  run.hurry();
  run.cut();
  CHECK_FALSE(run.closed());  // there is nothing to send
  REQUIRE(run.add(put(1), kLimits, kStart));
  run.hurry();
  CHECK(run.due(kStart));
  CHECK(run.add(put(2), kLimits, kStart));
  run.cut();
  CHECK_FALSE(run.add(put(3), kLimits, kStart));
}
