// Retention in the hands of the two agents: by turns with folds, when no batch waits, and what a fault means.
#include "tests/unit/broker/store/retention_fixture.hpp"

namespace prismbus::test::retention {

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
  BoundedQueue<RetentionSettings> changed(4, nullptr);
  FoldAgent agent(f.store->state, settings, in, out, &changed);
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

  CHECK(agent.step(at(moment(506), f.last_time)) == 0);
  REQUIRE(changed.try_push({10, seconds(0), seconds(0)}));
  REQUIRE(changed.try_push({40, seconds(0), seconds(0)}));
  CHECK(agent.step(at(moment(507), f.last_time)) == 0);  // the newest counts, and nothing comes back
  REQUIRE(changed.try_push({24, seconds(0), seconds(0)}));
  CHECK(agent.step(at(moment(508), f.last_time)) == 1);
  CHECK(f.state_floor() == 31);
  f.check();

  out.drain(told);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> progress;
  for (const FoldOutcome& outcome : told) {
    progress.emplace_back(outcome.folded.value(), outcome.floor.value());
    CHECK(outcome.failure.has_value() == (progress.size() == 5));
  }
  using Progress = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  CHECK(progress == Progress{{33, 0}, {53, 0}, {53, 21}, {55, 21}, {55, 21}, {55, 23}, {55, 31}});

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

}  // namespace prismbus::test::retention
