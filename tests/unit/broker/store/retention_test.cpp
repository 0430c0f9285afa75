// Retention: what is kept, in which order it goes, and that a fault or a crash at any step leaves a store
// that is sound, exact above its floor, and goes on.
#include "broker/store/retention.hpp"

#include "tests/unit/broker/store/retention_fixture.hpp"

namespace prismbus::test::retention {

TEST_CASE("retention keeps the revisions or the age asked for, whichever is more, and age_min always") {
  Fixture f;
  f.write(200);  // one a second
  const auto wanted = [&f](RetentionSettings settings, seconds after = seconds(0)) {
    return Retention(settings, f.store->state).wanted(f.last_time + after).value();
  };
  CHECK(wanted({50, seconds(0), seconds(0)}) == 150);
  CHECK(wanted({1, seconds(0), seconds(0)}) == 199);
  CHECK(wanted({200, seconds(0), seconds(0)}) == 0);
  CHECK(wanted({1'000'000, seconds(0), seconds(0)}) == 0);
  CHECK(wanted({50, seconds(100), seconds(0)}) == 100);  // the age keeps more: state as of 100 s ago
  CHECK(wanted({150, seconds(100), seconds(0)}) == 50);  // the revisions do
  CHECK(wanted({50, seconds(0), seconds(120)}) == 80);   // age_min does
  CHECK(wanted({50, seconds(1000), seconds(0)}) == 0);
  CHECK(wanted({50, seconds(1000), seconds(0)}, seconds(900)) == 100);
  CHECK(wanted({50, seconds(1000), seconds(0)}, seconds(100'000)) == 150);
  // In strides of a sixteenth: what is not worth a transaction yet waits.
  CHECK(wanted({192, seconds(0), seconds(0)}) == 0);
  CHECK(wanted({188, seconds(0), seconds(0)}) == 12);
  REQUIRE(f.store->state.advance_floor(Revision(149), {}));
  CHECK(wanted({50, seconds(0), seconds(0)}) == 149);
  CHECK(wanted({30, seconds(0), seconds(0)}) == 170);
  CHECK(wanted({100, seconds(0), seconds(0)}) == 149);  // it never goes back
  f.check();
}

TEST_CASE("a floor that cannot move, and a trim that fails, leave everything where it stood") {
  Fixture f;
  f.write(60);
  const std::vector<std::pair<int, FoldFailure>> codes = {
      {ENOSPC, FoldFailure::no_space}, {MDB_MAP_FULL, FoldFailure::map_full}, {EIO, FoldFailure::io}};
  for (const Point point : {Point::begin, Point::put, Point::commit}) {
    for (const auto& [code, failure] : codes) {
      f.state_faults.arm(point, code);
      const auto failed = f.store->state.advance_floor(Revision(40), {});
      REQUIRE_FALSE(failed);
      CHECK(failed.error() == failure);
      CHECK(f.store->state.last_fault().code == code);
      CHECK(f.state_floor() == 0);
      f.check();
    }
  }
  REQUIRE(f.store->state.advance_floor(Revision(40), {}));
  f.check();
  const std::vector<std::pair<int, AppendFailure>> trims = {
      {ENOSPC, AppendFailure::no_space}, {MDB_MAP_FULL, AppendFailure::map_full}, {EIO, AppendFailure::io}};
  for (const Point point : {Point::begin, Point::put, Point::commit}) {
    for (const auto& [code, failure] : trims) {
      f.journal_faults.arm(point, code);
      const auto failed = f.store->journal.trim(Revision(40), {});
      REQUIRE_FALSE(failed);
      CHECK(failed.error() == failure);
      CHECK(f.journal_floor() == 0);
      f.check();
    }
  }
  REQUIRE(f.store->journal.trim(Revision(40), {}));
  CHECK(f.journal_floor() == 40);
  f.check();
  f.write(5);  // the chain goes on
  f.open();
  f.check();
}

TEST_CASE(
    "a crash after any of the transactions between the floor and the last trim reopens sound and goes on") {
  for (int crash_after = 0;; ++crash_after) {
    INFO("crash after " << crash_after);
    Fixture f;
    f.write(50);
    int done = 0;
    const auto crashes = [&] { return done++ == crash_after; };
    bool crashed = false;
    while (!crashed && f.state_floor() < 35) {
      const bool unknown = crash_after % 2 == 1;  // it was written, and the process did not hear of it
      crashed = crashes();
      if (crashed && unknown) f.state_faults.arm(Point::commit_unknown, EIO);
      if (!crashed || unknown) {
        const auto moved = f.store->state.advance_floor(Revision(35), {10, 1'000'000});
        CHECK(moved.has_value() == !crashed);
      }
    }
    while (!crashed && f.journal_floor() < 35) {
      const bool unknown = crash_after % 2 == 1;
      crashed = crashes();
      if (crashed && unknown) f.journal_faults.arm(Point::commit_unknown, EIO);
      if (!crashed || unknown) {
        const auto trimmed = f.store->journal.trim(Revision(35), {8, 1'000'000});
        CHECK(trimmed.has_value() == !crashed);
      }
    }
    f.open();
    CHECK(f.journal_floor() <= f.state_floor());
    f.check();
    if (f.state_floor() < 35) REQUIRE(f.store->state.advance_floor(Revision(35), {}));
    if (f.journal_floor() < 35) REQUIRE(f.store->journal.trim(Revision(35), {}));
    f.write(10);
    f.check();
    if (!crashed) break;
    REQUIRE(crash_after < 40);
  }
}

TEST_CASE(
    "a view taken before the floor moved goes on telling everything; one that finds less says compacted") {
  Fixture f;
  f.write(60);
  Recent recent(f.store->state.meta().folded);
  StateReader state(f.store->state);
  JournalReader journal(f.store->journal);
  {
    const ReadView before(recent.snapshot(), state, journal);
    REQUIRE(f.store->state.advance_floor(Revision(50), {}));
    REQUIRE(f.store->journal.trim(Revision(50), {}));
    CHECK(before.floor() == Revision(0));
    f.past.require_past_equals(before);
    f.past.require_change_sets(before, *f.history);
  }
  f.check();
  // What recent knew earlier is older than the floor by now: gone as a whole, without islands.
  const TemporaryDirectory island;
  {
    auto store = Store::open({island.path(), kTestMap, nullptr, nullptr});
    REQUIRE(store);
    SampleHistory history(store->journal.meta().epoch);
    PastWorlds past;
    Recent applied{Revision(0)};
    std::mt19937_64 rng(4);
    std::vector<TransactionPtr> batch;
    RecentSnapshotPtr early;
    for (int i = 0; i < 40; ++i) {
      batch.push_back(history.random(rng));
      past.add(history.world(), batch.back());
      applied.apply(batch.back());
      if (i == 15) early = applied.snapshot();
    }
    REQUIRE(store->journal.append(batch));
    REQUIRE(store->state.fold(batch, Wall{}));
    REQUIRE(store->state.advance_floor(Revision(25), {}));
    REQUIRE(store->journal.trim(Revision(20), {}));
    StateReader folded(store->state);
    JournalReader trimmed(store->journal);
    const ReadView view(early, folded, trimmed);
    CHECK(view.rev() == Revision(40));
    CHECK(view.floor() == Revision(25));
    past.require_past_equals(view);
    past.require_change_sets(view, history);
    for (std::uint64_t rev = 1; rev <= 25; ++rev) {
      const auto gone = view.transaction(Revision(rev));
      REQUIRE_FALSE(gone);
      CHECK(gone.error().code == ErrorCode::compacted);
      CHECK(gone.error().floor == 25);
    }
  }
  // A state whose snapshot is older than the journal's still lists what was trimmed since.
  const TemporaryDirectory other;
  auto store = Store::open({other.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  PastWorlds past;
  std::vector<TransactionPtr> batch;
  std::mt19937_64 rng(3);
  for (int i = 0; i < 50; ++i) {
    batch.push_back(history.random(rng));
    past.add(history.world(), batch.back());
  }
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, Wall{}));
  REQUIRE(store->journal.trim(Revision(20), {}));
  REQUIRE(store->state.advance_floor(Revision(5), {}));
  Recent nothing(history.last());
  StateReader its_state(store->state);
  JournalReader its_journal(store->journal);
  const ReadView view(nothing.snapshot(), its_state, its_journal);
  CHECK(view.floor() == Revision(20));
  past.require_past_equals(view);
  past.require_change_sets(view, history);
  const auto gone = view.transaction(Revision(20));
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == ErrorCode::compacted);
  CHECK(gone.error().floor == 20);
  require_sound(store->journal, store->state);
}

}  // namespace prismbus::test::retention
