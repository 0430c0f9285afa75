#include "broker/store/space.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

SpaceReading reading_of(std::uint64_t free, std::uint64_t journal, std::uint64_t state,
                        std::uint64_t reusable = 0) {
  SpaceReading reading;
  reading.free = free;
  reading.journal_file = journal;
  reading.state_file = state;
  reading.state_reusable = reusable;
  return reading;
}

}  // namespace

TEST_CASE("the gate is open until somebody looked at the disk") {
  const SpaceGate gate({kMiB, std::uint64_t{1} << 60});
  CHECK(gate.admit(1u << 30, false, {}));
  CHECK_FALSE(gate.full());
}

TEST_CASE("a quota counts pages in use, not what the files could reuse") {
  SpaceGate gate({100 * kMiB, 0});
  gate.take(reading_of(1000 * kMiB, 60 * kMiB, 60 * kMiB));
  CHECK(gate.full());
  CHECK(gate.admit(10, false, {}).error().code == ErrorCode::read_only);
  CHECK(gate.admit(10, false, {}).error().message.find("--store-quota") != std::string::npos);
  gate.take(reading_of(1000 * kMiB, 60 * kMiB, 60 * kMiB, 50 * kMiB));  // after a trim
  CHECK_FALSE(gate.full());
}

TEST_CASE("the floor stays free, and reusable pages count as free") {
  SpaceGate gate({0, 64 * kMiB});
  gate.take(reading_of(66 * kMiB, 10 * kMiB, 10 * kMiB));
  CHECK(gate.full());
  CHECK(gate.admit(10, false, {}).error().message.find("--free-space-floor") != std::string::npos);
  gate.take(reading_of(66 * kMiB, 10 * kMiB, 10 * kMiB, 8 * kMiB));
  CHECK_FALSE(gate.full());
  gate.set({0, 128 * kMiB});
  CHECK(gate.full());
}

TEST_CASE("deletes go on when values do not, until their reserve is used up") {
  SpaceGate gate({50 * kMiB, 0});
  gate.take(reading_of(1000 * kMiB, 20 * kMiB, 27 * kMiB));  // 3 MiB left
  CHECK_FALSE(gate.admit(100, false, {}));
  CHECK(gate.admit(100, true, {}));
  gate.take(reading_of(1000 * kMiB, 22 * kMiB, 27 * kMiB + kMiB / 2));
  CHECK_FALSE(gate.admit(100, true, {}));
}

TEST_CASE("room to fold what is applied is kept: writes that would take it are told to come back") {
  SpaceGate gate({100 * kMiB, 0});
  gate.take(reading_of(1000 * kMiB, 30 * kMiB, 30 * kMiB));
  CHECK(gate.admit(1000, false, {1000, kMiB}));
  const auto late = gate.admit(1000, false, {1000, 20 * kMiB});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::overloaded);
  CHECK(late.error().retry_after_ms.has_value());
  CHECK_FALSE(gate.full());
  CHECK_FALSE(
      gate.admit(1000, false, {1'000'000, 3 * kMiB}));  // each may copy a page, at most all the state has
  gate.take(reading_of(1000 * kMiB, 30 * kMiB, 2 * kMiB));
  CHECK(gate.admit(1000, false, {1'000'000, 3 * kMiB}));
}

TEST_CASE("what was let in since the last look is counted, and forgotten once a look has seen it") {
  SpaceGate gate({100 * kMiB, 0});
  const SpaceReading half = reading_of(1000 * kMiB, 25 * kMiB, 25 * kMiB);
  gate.take(half);
  for (int i = 0; i < 12; ++i) gate.spend(kMiB);
  CHECK(gate.admit(10, false, {}).error().code == ErrorCode::overloaded);
  gate.take(half);  // may have looked before the last of them
  CHECK_FALSE(gate.admit(10, false, {}));
  gate.take(half);
  CHECK(gate.admit(10, false, {}));
}

TEST_CASE("a look at a store counts its files and the pages that a commit gave back") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  BoundedQueue<SpaceReading> readings(2, nullptr);
  SpaceAgent agent(store->journal.env(), store->state.env(), readings);
  Now now{Steady(std::chrono::hours(1)), Wall{}};
  CHECK(agent.step(now) == 1);
  CHECK(agent.step(now) == 0);  // not before its time

  SampleHistory history(store->journal.meta().epoch);
  std::vector<TransactionPtr> all;
  for (int i = 0; i < 50; ++i) all.push_back(history.put("a", "k", std::string(9000, 'x')));
  REQUIRE(store->journal.append(all));
  for (const TransactionPtr& txn : all) REQUIRE(store->state.fold(std::span(&txn, 1), Wall{}));
  now.steady += SpaceAgent::kInterval;
  CHECK(agent.step(now) == 1);
  std::vector<SpaceReading> told;
  REQUIRE(readings.drain(told) == 2);
  CHECK(told[1].journal_file == std::filesystem::file_size(dir.path() + "/journal/data.mdb"));
  CHECK(told[1].state_file == std::filesystem::file_size(dir.path() + "/state/data.mdb"));
  CHECK(told[1].journal_file > told[0].journal_file + 50 * 9000);
  CHECK(told[1].state_reusable >= 2 * 4096);  // each fold replaced the key's head
  CHECK(told[1].used() < told[1].journal_file + told[1].state_file);
  CHECK(told[1].free > 0);
}

}  // namespace prismbus::test
