// A store with a past in it, disks that fail at a chosen moment, and the check of everything that is left.
#pragma once

#include <catch2/catch.hpp>
#include <cerrno>

#include "broker/store/agents.hpp"
#include "broker/store/retention.hpp"
#include "tests/unit/broker/store/past_worlds.hpp"

namespace prismbus::test::retention {

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

inline Now at(Steady steady, Wall wall) {
  return {steady, wall};
}
inline Steady moment(int millis) {
  return Steady(seconds(1000)) + std::chrono::milliseconds(millis);
}

}  // namespace prismbus::test::retention
