// Disk faults at the one wrapper: what each does to the journal, the state and the two agents. And the real
// thing: a small tmpfs that fills up, where this process may mount one.
#include <sys/mount.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>

#include "broker/store/agents.hpp"
#include "broker/store/store.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

using Point = lmdb::DiskFaults::Point;

struct OneFault : lmdb::DiskFaults {
  std::optional<Point> point;
  int code = 0;
  bool forever = false;
  int at(Point here) override {
    if (point != here) return 0;
    if (!forever) point.reset();
    return code;
  }
  void arm(Point where, int with, bool every_time = false) {
    point = where, code = with, forever = every_time;
  }
};

struct Fixture {
  Fixture() {
    auto opened = Store::open({dir.path(), kTestMap, &journal_faults, &state_faults});
    REQUIRE(opened);
    store.emplace(std::move(*opened));
    history.emplace(store->journal.meta().epoch);
  }
  std::vector<TransactionPtr> three() {
    return {history->put("a", "k", "1"), history->put("a", "k", "2"), history->put("b", "k", "3")};
  }
  TemporaryDirectory dir;
  OneFault journal_faults, state_faults;
  std::optional<Store> store;
  std::optional<SampleHistory> history;
  BoundedQueue<Revision> floors{4, nullptr};
  TrimGate gate;
};

const std::vector<std::pair<int, AppendFailure>> kCodes = {{ENOSPC, AppendFailure::no_space},
                                                           {EDQUOT, AppendFailure::no_space},
                                                           {MDB_MAP_FULL, AppendFailure::map_full},
                                                           {EIO, AppendFailure::io},
                                                           {MDB_PANIC, AppendFailure::unknown}};

}  // namespace

TEST_CASE("a journal append that fails leaves meta and chain where they stood, whatever the code and place") {
  Fixture f;
  const auto first = f.three();
  REQUIRE(f.store->journal.append(first));
  const auto batch = f.three();
  for (const Point point : {Point::begin, Point::put, Point::commit}) {
    for (const auto& [code, failure] : kCodes) {
      f.journal_faults.arm(point, code);
      const auto failed = f.store->journal.append(batch);
      REQUIRE_FALSE(failed);
      CHECK(failed.error() == failure);
      CHECK(f.store->journal.last_fault().code == code);
      CHECK(f.store->journal.meta().last == Revision(3));
    }
  }
  REQUIRE(f.store->journal.probe());
  REQUIRE(f.store->journal.append(batch));
  CHECK(f.store->journal.meta().last == Revision(6));
  REQUIRE(f.store->state.fold(first, Wall{}));
  require_sound(f.store->journal, f.store->state);
}

TEST_CASE("an unknown commit is told apart, condemns the journal, and a restart shows whether it happened") {
  Fixture f;
  REQUIRE(f.store->journal.append(f.three()));
  f.journal_faults.arm(Point::commit_unknown, EIO);
  const auto failed = f.store->journal.append(f.three());
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == AppendFailure::unknown);
  CHECK(f.store->journal.probe().error() == AppendFailure::unknown);
  JournalReader reader(f.store->journal);
  CHECK(reader.read(Revision(1)).error().code == ErrorCode::internal);
  f.store.reset();
  const auto again = Store::open({f.dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(again);
  CHECK(again->journal.meta().last == Revision(6));
  CHECK(again->tail.size() == 6);
  require_sound(again->journal, again->state);
}

TEST_CASE("a fold that fails leaves the state where it stood and can be done again") {
  Fixture f;
  const auto batch = f.three();
  REQUIRE(f.store->journal.append(batch));
  const std::vector<std::pair<int, FoldFailure>> codes = {
      {ENOSPC, FoldFailure::no_space}, {MDB_MAP_FULL, FoldFailure::map_full}, {EIO, FoldFailure::io}};
  for (const Point point : {Point::begin, Point::put, Point::commit}) {
    for (const auto& [code, failure] : codes) {
      f.state_faults.arm(point, code);
      const auto failed = f.store->state.fold(batch, Wall{});
      REQUIRE_FALSE(failed);
      CHECK(failed.error() == failure);
      CHECK(f.store->state.meta().folded == Revision(0));
      require_sound(f.store->journal, f.store->state);
    }
  }
  REQUIRE(f.store->state.fold(batch, Wall{}));
  f.state_faults.arm(Point::commit_unknown, EIO);
  const auto more = f.three();
  REQUIRE(f.store->journal.append(more));
  CHECK(f.store->state.fold(more, Wall{}).error() == FoldFailure::unknown);
  f.store.reset();
  require_sound(f.dir.path());
}

TEST_CASE("journal agent: after a failure what was sequenced behind it fails too, until the order goes on") {
  Fixture f;
  BoundedQueue<JournalBatch> in(16, nullptr);
  BoundedQueue<JournalOutcome> out(16, nullptr);
  JournalAgent agent(f.store->journal, in, out, {f.floors, f.gate});
  const auto push = [&in](JournalBatch batch) { REQUIRE(in.try_push(std::move(batch))); };
  std::vector<JournalOutcome> told;

  auto one = f.three();
  const SampleHistory before_loss = *f.history;
  auto lost = f.three(), behind = f.three(), later = f.three();
  push(one);
  CHECK(agent.step({}) == 1);
  push(lost);
  push(behind);
  f.journal_faults.arm(Point::commit, ENOSPC);
  CHECK(agent.step({}) == 2);
  push(later);  // sequenced before the bus heard
  push({});     // a probe
  f.history = before_loss;
  auto again = f.three();
  push(again);
  CHECK(agent.step({}) == 3);
  CHECK(out.drain(told) == 6);
  const auto is = [&told](std::size_t i, std::uint64_t first, std::uint64_t durable, bool failed) {
    INFO(i);
    CHECK(told[i].first == Revision(first));
    CHECK(told[i].durable == Revision(durable));
    CHECK(told[i].failure.has_value() == failed);
  };
  is(0, 1, 3, false);
  is(1, 4, 3, true);
  is(2, 7, 3, true);
  is(3, 10, 3, true);
  is(4, 4, 3, false);
  is(5, 4, 6, false);
  REQUIRE(f.store->state.fold(one, Wall{}));
  require_sound(f.store->journal, f.store->state);
}

TEST_CASE("I8: a journal agent whose outcomes find no room waits with the next write") {
  Fixture f;
  BoundedQueue<JournalBatch> in(16, nullptr);
  BoundedQueue<JournalOutcome> out(1, nullptr);
  JournalAgent agent(f.store->journal, in, out, {f.floors, f.gate});
  for (int i = 0; i < 3; ++i) {
    JournalBatch batch = f.three();
    REQUIRE(in.try_push(std::move(batch)));
  }
  std::vector<JournalOutcome> told;
  CHECK(agent.step({}) == 2);  // the second is written and waits to be told
  CHECK(agent.step({}) == 0);
  for (const std::uint64_t durable : {3U, 6U, 9U}) {
    told.clear();
    agent.step({});
    REQUIRE(out.drain(told) == 1);
    CHECK(told[0].durable == Revision(durable));
    agent.step({});
  }
}

TEST_CASE("fold agent: folds when enough or old enough, retries after no space, never after an io error") {
  Fixture f;
  BoundedQueue<JournalBatch> in(16, nullptr);
  BoundedQueue<FoldOutcome> out(16, nullptr);
  FoldSettings settings;
  settings.changes_min = 5;
  settings.changes_max = 6;
  FoldAgent agent(f.store->state, settings, in, out);
  Now now{Steady(std::chrono::seconds(1000)), from_micros(1'700'000'000'000'000)};
  std::vector<FoldOutcome> told;
  const auto push = [&] {
    JournalBatch batch = f.three();
    REQUIRE(f.store->journal.append(batch));
    REQUIRE(in.try_push(std::move(batch)));
  };
  push();
  CHECK(agent.step(now) == 0);  // 3 changes, young
  now.steady += settings.wait_max;
  CHECK(agent.step(now) == 3);
  push();
  push();
  push();
  CHECK(agent.step(now) == 6);  // at most changes_max
  CHECK(agent.step(now) == 0);
  f.state_faults.arm(Point::commit, ENOSPC);
  push();
  CHECK(agent.step(now) == 0);
  CHECK(agent.step(now) == 0);  // not before the retry time
  now.steady += std::chrono::milliseconds(500);
  CHECK(agent.step(now) == 6);
  f.state_faults.arm(Point::commit, EIO);
  push();
  push();
  CHECK(agent.step(now) == 0);
  now.steady += std::chrono::hours(1);
  CHECK(agent.step(now) == 0);
  out.drain(told);
  REQUIRE(told.size() == 5);
  CHECK(told[0].folded == Revision(3));
  CHECK(told[1].folded == Revision(9));
  CHECK(told[2].failure == FoldFailure::no_space);
  CHECK(told[3].folded == Revision(15));
  CHECK_FALSE(told[3].failure);
  CHECK(told[4].failure == FoldFailure::io);
  require_sound(f.store->journal, f.store->state);
}

TEST_CASE("a full file system is no_space, nothing of the batch stays, and writes go on once there is room") {
  const TemporaryDirectory dir;
  if (::mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
    WARN("not run: this process may not mount a tmpfs");
    return;
  }
  struct Unmount {
    const std::string& path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{dir.path()};
  {
    auto store = Store::open({dir.path() + "/data", kTestMap, nullptr, nullptr});
    REQUIRE(store);
    SampleHistory history(store->journal.meta().epoch);
    const std::string filler = dir.path() + "/filler";
    std::ofstream(filler) << std::string(std::size_t{1} << 20, 'x');
    std::vector<TransactionPtr> folded;
    std::vector<TransactionPtr> batch;
    SampleHistory before = history;
    for (;;) {
      before = history;
      batch.clear();
      for (int i = 0; i < 50; ++i)
        batch.push_back(history.put("a", "k" + std::to_string(i), std::string(3000, 'v')));
      const auto written = store->journal.append(batch);
      if (written) {
        folded.insert(folded.end(), batch.begin(), batch.end());
        continue;
      }
      CHECK(written.error() == AppendFailure::no_space);
      break;
    }
    REQUIRE_FALSE(folded.empty());
    CHECK(store->journal.meta().last == folded.back()->rev);
    CHECK(store->state.fold(folded, Wall{}).error() == FoldFailure::no_space);
    CHECK(store->journal.append(batch).error() == AppendFailure::no_space);
    require_sound(store->journal, store->state);
    JournalReader reader(store->journal);
    CHECK(reader.read(Revision(1)));  // reads go on

    REQUIRE(::unlink(filler.c_str()) == 0);
    REQUIRE(store->journal.probe());
    history = before;
    batch = {history.put("a", "k", "again")};
    REQUIRE(store->journal.append(batch));
    REQUIRE(store->state.fold(std::span(folded).first(10), Wall{}));
    require_sound(store->journal, store->state);
  }
  require_sound(dir.path() + "/data");
}

}  // namespace prismbus::test
