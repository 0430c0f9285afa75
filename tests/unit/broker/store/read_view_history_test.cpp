// The past through a view, against whole copies of what was: at every revision, with the fold anywhere.
#include <algorithm>
#include <catch2/catch.hpp>

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
