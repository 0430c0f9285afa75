// The past through a view, against whole copies of what was: at every revision, with the fold anywhere.
#include <algorithm>
#include <catch2/catch.hpp>

#include "broker/store/disk_keys.hpp"
#include "broker/store/state_tables.hpp"
#include "tests/unit/broker/store/past_worlds.hpp"

namespace prismbus::test {
namespace {

void require_past(const Store& store, Recent& recent, const PastWorlds& past) {
  StateReader state(store.state);
  JournalReader journal(store.journal);
  past.require_past_equals(ReadView(recent.snapshot(), state, journal));
}

}  // namespace

TEST_CASE("as-of reads, versions and times equal copies of every past state, wherever the fold stands") {
  const std::uint64_t first = std::random_device{}();
  for (std::uint64_t seed = first; seed < first + 6; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 rng(seed);
    const TemporaryDirectory dir;
    auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
    REQUIRE(store);
    SampleHistory history(store->journal.meta().epoch);
    PastWorlds past;
    Recent recent{Revision(0)};
    std::vector<TransactionPtr> unfolded;
    require_past(*store, recent, past);
    for (int round = 0; round < 6; ++round) {
      for (int i = 0; i < 12; ++i) {
        const TransactionPtr txn = history.random(rng);
        REQUIRE(store->journal.append(std::vector{txn}));
        recent.apply(txn);
        unfolded.push_back(txn);
        past.add(history.world(), txn);
        if (rng() % 5 == 0) (void)recent.snapshot();  // seals: more runs
      }
      const auto count = static_cast<std::ptrdiff_t>(rng() % (unfolded.size() + 1));
      if (count > 0) REQUIRE(store->state.fold(std::span(unfolded).first(std::size_t(count)), Wall{}));
      unfolded.erase(unfolded.begin(), unfolded.begin() + count);
      if (rng() % 2 == 0) recent.drop_folded(store->state.meta().folded);
      require_past(*store, recent, past);
    }
  }
}

TEST_CASE("above a floor that moves the past stays exact, below it is compacted, and audits find nothing") {
  const std::uint64_t first = std::random_device{}();
  for (std::uint64_t seed = first; seed < first + 12; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 rng(seed);
    const TemporaryDirectory dir;
    std::optional<Store> store;
    const auto reopen = [&] {
      store.reset();
      auto opened = Store::open({dir.path(), kTestMap, nullptr, nullptr});
      REQUIRE(opened);
      store.emplace(std::move(*opened));
    };
    reopen();
    SampleHistory history(store->journal.meta().epoch);
    PastWorlds past;
    std::vector<TransactionPtr> unfolded;
    for (int round = 0; round < 12; ++round) {
      for (int i = 0; i < 10; ++i) {
        const TransactionPtr txn = history.random(rng);
        REQUIRE(store->journal.append(std::vector{txn}));
        unfolded.push_back(txn);
        past.add(history.world(), txn);
      }
      const auto count = static_cast<std::ptrdiff_t>(rng() % (unfolded.size() + 1));
      if (count > 0) REQUIRE(store->state.fold(std::span(unfolded).first(std::size_t(count)), Wall{}));
      unfolded.erase(unfolded.begin(), unfolded.begin() + count);
      const StateMeta before = store->state.meta();
      if (before.floor < before.folded) {
        const Revision to(before.floor.value() + 1 + rng() % (before.folded.value() - before.floor.value()));
        const State::FloorStep step{1 + rng() % 20, rng() % 2 == 0 ? 1U : 1'000'000U};
        while (store->state.meta().floor < to && rng() % 8 != 0) {
          const Revision floor = store->state.meta().floor;
          REQUIRE(store->state.advance_floor(to, step));
          REQUIRE(store->state.meta().floor > floor);
          REQUIRE(store->state.meta().floor <= to);
          if (rng() % 4 == 0) require_sound(store->journal, store->state);
        }
      }
      const Revision trim_to = std::min(store->state.meta().floor, Revision(history.last().value() - 1));
      while (store->journal.meta().floor < trim_to && rng() % 6 != 0) {
        REQUIRE(store->journal.trim(trim_to, {1 + rng() % 5, rng() % 2 == 0 ? 1U : 1'000'000U}));
      }
      if (rng() % 3 == 0) {
        reopen();
        REQUIRE(store->tail.size() == unfolded.size());
      }
      Recent recent(store->state.meta().folded);
      for (const TransactionPtr& txn : unfolded) recent.apply(txn);
      require_past(*store, recent, past);
      require_sound(store->journal, store->state);
      StateReader state(store->state);
      JournalReader journal(store->journal);
      const ReadView view(recent.snapshot(), state, journal);
      require_view_equals(view, history.world());
      past.require_change_sets(view, history);
    }
    store.reset();
    require_sound(dir.path());
  }
}

TEST_CASE("a key that is deleted leaves nothing behind once its delete is below the floor") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  std::vector<TransactionPtr> batch{history.put("a", "k", "1"), history.put("a", "k", "2"),
                                    history.remove("a", "k"), history.put("b", "other", "x"),
                                    history.put("b", "other", "y")};
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, Wall{}));
  const auto told = [&] {
    Recent recent(history.last());
    StateReader state(store->state);
    JournalReader journal(store->journal);
    const ReadView view(recent.snapshot(), state, journal);
    std::vector<std::uint64_t> revs;
    REQUIRE(view.versions("a", "k", Revision(0), [&](const KeyVersionView& version) {
      revs.push_back(version.rev.value());
      return true;
    }));
    return revs;
  };
  CHECK(told() == std::vector<std::uint64_t>{3, 2, 1});
  REQUIRE(store->state.advance_floor(Revision(3), {}));
  CHECK(told() == std::vector<std::uint64_t>{3});
  require_sound(store->journal, store->state);
  REQUIRE(store->state.advance_floor(Revision(4), {}));
  CHECK(told().empty());
  require_sound(store->journal, store->state);
  // It begins anew, and nothing of its former life shows.
  batch = {history.put("a", "k", "3")};
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, Wall{}));
  CHECK(told() == std::vector<std::uint64_t>{6});
  require_sound(store->journal, store->state);
}

TEST_CASE("a damaged history row does not stop the floor, and is named as long as it stands") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  std::vector<TransactionPtr> batch;
  for (int i = 1; i <= 6; ++i) batch.push_back(history.put("a", "k", std::to_string(i)));
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, Wall{}));
  {
    auto txn = lmdb::WriteTxn::begin(store->state.env());
    REQUIRE(txn);
    DiskKey key;
    REQUIRE(txn->put(store->state.tables()->history, key.history(Revision(3), "a", "k"), "damaged"));
    REQUIRE(txn->commit());
  }
  REQUIRE(store->state.advance_floor(Revision(2), {}));
  REQUIRE(store->state.advance_floor(Revision(4), {}));
  CHECK(store->state.meta().floor == Revision(4));
  Recent recent(history.last());
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const ReadView view(recent.snapshot(), state, journal);
  for (std::uint64_t at = 4; at <= 6; ++at) {
    const auto found = view.find_at(Revision(at), "a", "k");
    REQUIRE(found);
    REQUIRE((*found)->value == text_value(std::to_string(at)));
  }
  const auto report = audit(store->journal, store->state);
  REQUIRE(report);
  CHECK_FALSE(report->findings.empty());  // version 2 hung on the damaged row and was left
}

TEST_CASE("a key with thousands of versions is found at any revision in few steps and told whole") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  std::vector<TransactionPtr> batch;
  for (int i = 1; i <= 5'000; ++i) {
    batch.push_back(i % 97 == 0 ? history.remove("a", "k") : history.put("a", "k", std::to_string(i)));
    if (i % 97 == 0) batch.push_back(history.put("b", "other", "x"));
  }
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, Wall{}));
  Recent recent(history.last());
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const ReadView view(recent.snapshot(), state, journal);
  std::optional<std::string_view> wanted;
  for (const TransactionPtr& txn : batch) {
    if (txn->sets[0]->ns == "a") {
      const StoredChange& change = txn->sets[0]->changes[0];
      wanted = change.op == ChangeOp::put ? std::optional(change.value) : std::nullopt;
    }
    const auto found = view.find_at(txn->rev, "a", "k");
    REQUIRE(found);
    REQUIRE(found->has_value() == wanted.has_value());
    if (wanted) REQUIRE((*found)->value == *wanted);
  }
  std::size_t told = 0;
  REQUIRE(view.versions("a", "k", Revision(0), [&](const KeyVersionView&) { return ++told > 0; }));
  CHECK(told == 5'000);
}

TEST_CASE("names that cannot be are absent in the past too, and no scan begins there") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  const std::vector<TransactionPtr> batch{history.put("a", "k", "1"), history.put("a", "k", "2")};
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, Wall{}));
  Recent recent(history.last());
  StateReader state(store->state);
  JournalReader journal(store->journal);
  const ReadView view(recent.snapshot(), state, journal);
  const std::string longer(600, 'x');
  CHECK_FALSE(*view.find_at(Revision(1), longer, "k"));
  CHECK_FALSE(*view.find_at(Revision(2), "a", longer));
  const auto never = [](std::string_view, std::string_view, const EntryView*) { return false; };
  CHECK(view.scan_at(Revision(1), longer, "k", never).error().code == ErrorCode::invalid_argument);
  CHECK(view.scan_at(Revision(2), "a", longer, never).error().code == ErrorCode::invalid_argument);
  std::size_t told = 0;
  REQUIRE(view.versions("a", longer, Revision(0), [&](const KeyVersionView&) { return ++told > 0; }));
  CHECK(told == 0);
}

}  // namespace prismbus::test
