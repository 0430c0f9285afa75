// Retention from decision to trim: what is kept, in which order it goes, and that a fault or a crash at any
// step leaves a store that is sound, exact above its floor, and goes on.
#include "broker/store/retention.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

#include "broker/store/agents.hpp"
#include "tests/unit/broker/store/past_worlds.hpp"

namespace prismbus::test {
namespace {

using Point = lmdb::DiskFaults::Point;
using std::chrono::seconds;

// Fails the n-th time a point is reached, once or from then on.
struct CountedFault : lmdb::DiskFaults {
  std::optional<Point> point;
  int code = 0, left = 0;
  bool forever = false;
  int at(Point here) override {
    if (point != here || left-- > 0) return 0;
    if (!forever) point.reset();
    return code;
  }
  void arm(Point where, int with, int after = 0, bool every_time = false) {
    point = where, code = with, left = after, forever = every_time;
  }
};

struct Fixture {
  Fixture() { open(); }
  void open() {
    store.reset();
    journal_faults.point.reset();
    state_faults.point.reset();
    auto opened = Store::open({dir.path(), kTestMap, &journal_faults, &state_faults});
    REQUIRE(opened);
    store.emplace(std::move(*opened));
    if (!history) history.emplace(store->journal.meta().epoch);
  }
  // `count` transactions a second apart, all folded.
  void write(int count) {
    std::vector<TransactionPtr> batch;
    SampleHistory::Options options;
    options.micros_later = 1'000'000;
    for (int i = 0; i < count; ++i) {
      const std::string key = "key/" + std::to_string(history->last().value() % 7);
      const auto world = history->world().find("a");
      const bool there = world != history->world().end() && world->second.entries.contains(key);
      if (there && history->last().value() % 5 == 0) {
        batch.push_back(history->commit({{"a", key, std::nullopt}}, options));
      } else {
        batch.push_back(history->commit({{"a", key, text_value("v")}, {"b", key, text_value("w")}}, options));
      }
      past.add(history->world(), batch.back());
    }
    REQUIRE(store->journal.append(batch));
    REQUIRE(store->state.fold(batch, Wall{}));
    last_time = batch.back()->time;
  }
  void check() {
    Recent recent(store->state.meta().folded);
    StateReader state(store->state);
    JournalReader journal(store->journal);
    const ReadView view(recent.snapshot(), state, journal);
    past.require_past_equals(view);
    past.require_change_sets(view, *history);
    require_view_equals(view, history->world());
    require_sound(store->journal, store->state);
  }
  [[nodiscard]] std::uint64_t state_floor() const { return store->state.meta().floor.value(); }
  [[nodiscard]] std::uint64_t journal_floor() const { return store->journal.meta().floor.value(); }

  TemporaryDirectory dir;
  CountedFault journal_faults, state_faults;
  std::optional<Store> store;
  std::optional<SampleHistory> history;
  PastWorlds past;
  Wall last_time{};
  TrimGate gate;
};

Now at(Steady steady, Wall wall) {
  return {steady, wall};
}
Steady moment(int millis) {
  return Steady(seconds(1000)) + std::chrono::milliseconds(millis);
}

}  // namespace

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

TEST_CASE(
    "journal agent: trims to the floor it was told when no batch waits, in steps, and never the last "
    "record") {
  Fixture f;
  f.write(40);
  BoundedQueue<JournalBatch> in(16, nullptr);
  BoundedQueue<JournalOutcome> out(16, nullptr);
  BoundedQueue<Revision> floors(4, nullptr);
  JournalAgent agent(f.store->journal, in, out, {floors, f.gate});
  const Now now = at(moment(0), f.last_time);
  const auto tell = [&](std::uint64_t floor) {
    REQUIRE(f.store->state.advance_floor(Revision(floor), {}));
    REQUIRE(floors.try_push(Revision(floor)));
  };
  CHECK(agent.step(now) == 0);
  tell(10);
  JournalBatch batch{f.history->put("a", "x", "1")};
  f.past.add(f.history->world(), batch.front());
  const JournalBatch same = batch;
  REQUIRE(in.try_push(std::move(batch)));
  CHECK(agent.step(now) == 1);
  CHECK(f.journal_floor() == 0);  // the batch came first
  REQUIRE(f.store->state.fold(same, Wall{}));
  CHECK(agent.step(now) == 1);
  CHECK(f.journal_floor() == 10);
  CHECK(agent.step(now) == 0);
  f.check();

  tell(20);
  f.gate.close();  // a backup runs
  CHECK(agent.step(now) == 0);
  CHECK(f.journal_floor() == 10);
  f.gate.open();
  CHECK(agent.step(now) == 1);
  CHECK(f.journal_floor() == 20);

  tell(41);  // all that is there
  CHECK(agent.step(now) == 1);
  CHECK(f.journal_floor() == 40);
  CHECK(agent.step(now) == 0);
  f.check();
  f.open();
  f.check();
}

TEST_CASE(
    "journal agent: a trim without space is tried again, one that breaks the journal ends the process") {
  Fixture f;
  f.write(40);
  BoundedQueue<JournalBatch> in(16, nullptr);
  BoundedQueue<JournalOutcome> out(16, nullptr);
  BoundedQueue<Revision> floors(4, nullptr);
  JournalAgent agent(f.store->journal, in, out, {floors, f.gate});
  std::vector<JournalOutcome> told;
  REQUIRE(f.store->state.advance_floor(Revision(30), {}));
  REQUIRE(floors.try_push(Revision(30)));
  f.journal_faults.arm(Point::commit, ENOSPC);
  CHECK(agent.step(at(moment(0), f.last_time)) == 0);
  CHECK(agent.step(at(moment(499), f.last_time)) == 0);
  CHECK(f.journal_floor() == 0);
  CHECK(out.drain(told) == 0);
  CHECK(agent.step(at(moment(500), f.last_time)) == 1);
  CHECK(f.journal_floor() == 30);

  REQUIRE(f.store->state.advance_floor(Revision(35), {}));
  REQUIRE(floors.try_push(Revision(35)));
  f.journal_faults.arm(Point::commit, EIO);
  agent.step(at(moment(600), f.last_time));
  REQUIRE(out.drain(told) == 1);
  CHECK(told[0].of_trim);
  CHECK(told[0].failure == AppendFailure::io);
  CHECK(agent.step(at(moment(60'000), f.last_time)) == 0);  // once is enough
  f.check();
}

TEST_CASE("fold agent: moves the floor between folds, tells it, and waits with it while there is no space") {
  Fixture f;
  BoundedQueue<JournalBatch> in(64, nullptr);
  BoundedQueue<FoldOutcome> out(64, nullptr);
  FoldSettings settings;
  settings.changes_min = 1;
  settings.wait_max = std::chrono::milliseconds(0);
  settings.retention = {32, seconds(0), seconds(0)};
  FoldAgent agent(f.store->state, settings, in, out);
  std::vector<FoldOutcome> told;
  SampleHistory::Options options;
  const auto write = [&](int count) {
    for (int i = 0; i < count; ++i) {
      JournalBatch batch{
          f.history->commit({{"a", "key/" + std::to_string(i % 3), text_value("v")}}, options)};
      f.past.add(f.history->world(), batch.front());
      REQUIRE(f.store->journal.append(batch));
      f.last_time = batch.front()->time;
      REQUIRE(in.try_push(std::move(batch)));
    }
  };
  write(33);
  CHECK(agent.step(at(moment(0), f.last_time)) == 33);
  CHECK(agent.step(at(moment(1), f.last_time)) == 0);  // one beyond what is kept is less than a stride
  CHECK(f.state_floor() == 0);
  write(20);
  CHECK(agent.step(at(moment(2), f.last_time)) == 20);
  write(2);
  CHECK(agent.step(at(moment(3), f.last_time)) == 1);  // the floor's turn, though a fold is due
  CHECK(f.state_floor() == 21);
  CHECK(agent.step(at(moment(4), f.last_time)) == 2);
  f.state_faults.arm(Point::commit, ENOSPC);
  CHECK(agent.step(at(moment(5), f.last_time)) == 0);
  CHECK(agent.step(at(moment(504), f.last_time)) == 0);
  CHECK(f.state_floor() == 21);
  CHECK(agent.step(at(moment(505), f.last_time)) == 1);
  CHECK(f.state_floor() == 23);
  f.check();

  out.drain(told);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> progress;
  for (const FoldOutcome& outcome : told) {
    progress.emplace_back(outcome.folded.value(), outcome.floor.value());
    CHECK(outcome.failure.has_value() == (progress.size() == 5));
  }
  using Progress = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  CHECK(progress == Progress{{33, 0}, {53, 0}, {53, 21}, {55, 21}, {55, 21}, {55, 23}});

  write(40);
  CHECK(agent.step(at(moment(600), f.last_time)) == 40);
  f.state_faults.arm(Point::put, EIO);
  CHECK(agent.step(at(moment(601), f.last_time)) == 0);
  CHECK(agent.step(at(moment(60'000), f.last_time)) == 0);  // it never writes again
  told.clear();
  out.drain(told);
  REQUIRE(told.size() == 2);
  CHECK(told.back().failure == FoldFailure::io);
  f.open();
  f.check();
}

}  // namespace prismbus::test
