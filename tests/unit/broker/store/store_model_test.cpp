// The store alone against maps: random transactions appended, applied, folded at random points, dropped,
// restarted by reopening; views compared whole at random revisions; audit() at the end. The seed is printed
// with a failure.
#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <optional>

#include "broker/store/read_view.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

// One broker's worth of store: what the pipeline and the two agents do, in one thread.
class Walker {
 public:
  explicit Walker(std::uint64_t seed) : rng_(seed) { reopen(); }

  void step() {
    switch (rng_() % 12) {
      case 0:
        fold();
        break;
      case 1:
        compare();
        break;
      case 2:
        snapshot();
        break;
      case 3:
        if (rng_() % 8 == 0) reopen();
        break;
      default:
        write();
    }
  }

  void finish() {
    compare();
    check_sets();
    check_sessions();
    require_sound(store_->journal, store_->state);
    reopen();
    compare();
    store_.reset();
    require_sound(dir_.path());
  }

 private:
  void write() {
    std::vector<TransactionPtr> batch;
    for (std::uint64_t n = 1 + rng_() % 5; n > 0; --n) batch.push_back(history_->random(rng_));
    REQUIRE(store_->journal.append(batch));
    for (const TransactionPtr& txn : batch) {
      recent_->apply(txn);
      unfolded_.push_back(txn);
    }
  }

  // A part of what is not folded; recent is told now or later, as a queue would.
  void fold() {
    if (unfolded_.empty()) return;
    const std::size_t count = 1 + rng_() % unfolded_.size();
    const std::vector<TransactionPtr> batch(unfolded_.begin(),
                                            unfolded_.begin() + static_cast<std::ptrdiff_t>(count));
    REQUIRE(store_->state.fold(batch, Wall{}));
    unfolded_.erase(unfolded_.begin(), unfolded_.begin() + static_cast<std::ptrdiff_t>(count));
    if (rng_() % 3 != 0) {
      recent_->drop_folded(store_->state.meta().folded);
      recent_->tidy();
    }
  }

  void snapshot() {
    kept_ = recent_->snapshot();
    kept_world_ = history_->world();
  }

  void compare() {
    StateReader state(store_->state);
    JournalReader journal(store_->journal);
    {
      const ReadView view(recent_->snapshot(), state, journal);
      REQUIRE(view.rev() == history_->last());
      require_view_equals(view, history_->world());
      check_point_reads();
    }
    // An older snapshot is still exact, unless fold has passed its watermark: then the view is at the folded
    // revision.
    if (kept_ != nullptr && store_->state.meta().folded <= kept_->watermark) {
      const ReadView view(kept_, state, journal);
      REQUIRE(view.rev() == kept_->watermark);
      require_view_equals(view, kept_world_);
    }
  }

  // What the bus thread does for a get: recent, else the state.
  void check_point_reads() {
    recent_->drop_folded(store_->state.meta().folded);
    StateReader state(store_->state);
    state.renew();
    for (const auto& [name, ns] : history_->world()) {
      for (int i = 0; i < 60; ++i) {
        const std::string key = "key/" + std::to_string(i);
        const auto wanted = ns.entries.find(key);
        const auto change = recent_->find(name, key);
        std::optional<EntryView> got;
        if (change) {
          if (change->change->op == ChangeOp::put) got = change->entry();
        } else {
          const auto entry = state.find(name, key);
          REQUIRE(entry);
          got = *entry;
        }
        REQUIRE(got.has_value() == (wanted != ns.entries.end()));
        if (got) REQUIRE(got->value == wanted->second.value);
      }
    }
  }

  void check_sets() {
    StateReader state(store_->state);
    JournalReader journal(store_->journal);
    const ReadView view(recent_->snapshot(), state, journal);
    for (const auto& [name, ns] : history_->world()) {
      const auto& sets = history_->sets(name);
      REQUIRE(sets.size() == ns.seq);
      for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto set = view.change_set(name, Seq(i + 1));
        REQUIRE(set);
        REQUIRE(*set == sets[i]);
      }
      REQUIRE(view.change_set(name, Seq(0)).error().code == ErrorCode::not_found);
      REQUIRE(view.change_set(name, Seq(ns.seq + 1)).error().code == ErrorCode::not_found);
    }
    REQUIRE(view.change_set("never", Seq(1)).error().code == ErrorCode::not_found);
    for (std::uint64_t rev = 1; rev <= history_->last().value(); ++rev) {
      const auto txn = view.transaction(Revision(rev));
      REQUIRE(txn);
      REQUIRE((*txn)->rev == Revision(rev));
      if (const auto& req = (*txn)->req) sessions_[{(*txn)->by, req->session}][req->n] = rev;
    }
    REQUIRE(view.transaction(history_->last().next()).error().code == ErrorCode::not_found);
  }

  // After everything was folded the state remembers each session's last 1,024.
  void check_sessions() {
    while (!unfolded_.empty()) fold();
    StateReader state(store_->state);
    state.renew();
    for (const auto& [name, outcomes] : sessions_) {
      const auto session = state.find_session(name.first, name.second);
      REQUIRE(session);
      REQUIRE(*session);
      const std::uint64_t highest = outcomes.rbegin()->first;
      REQUIRE((*session)->highest == highest);
      std::vector<std::pair<std::uint64_t, Revision>> wanted;
      for (const auto& [n, rev] : outcomes) {
        if (n + 1024 > highest) wanted.emplace_back(n, Revision(rev));
      }
      REQUIRE((*session)->outcomes == wanted);
    }
    const auto headers = state.session_headers(Wall{});
    REQUIRE(headers);
    REQUIRE(headers->size() == sessions_.size());
  }

  void reopen() {
    kept_.reset();
    recent_.reset();
    store_.reset();
    auto store = Store::open({dir_.path(), kTestMap, nullptr, nullptr});
    REQUIRE(store);
    store_.emplace(std::move(*store));
    if (!history_) history_.emplace(store_->journal.meta().epoch);
    REQUIRE(store_->journal.meta().last == history_->last());
    recent_.emplace(store_->state.meta().folded);
    unfolded_.assign(store_->tail.begin(), store_->tail.end());
    for (TransactionPtr& txn : store_->tail) recent_->apply(std::move(txn));
    store_->tail.clear();
    REQUIRE(recent_->applied() == history_->last());
  }

  TemporaryDirectory dir_;
  std::mt19937_64 rng_;
  std::optional<Store> store_;
  std::optional<Recent> recent_;
  std::optional<SampleHistory> history_;
  std::deque<TransactionPtr> unfolded_;
  RecentSnapshotPtr kept_;
  SampleWorld kept_world_;
  std::map<std::pair<std::string, std::string>, std::map<std::uint64_t, std::uint64_t>> sessions_;
};

}  // namespace

TEST_CASE("I1, I9: the store equals plain maps through folds, drops and restarts") {
  const std::uint64_t first = std::random_device{}() % 2 == 0 ? 1 : std::random_device{}();
  for (std::uint64_t seed = first; seed < first + 25; ++seed) {
    INFO("seed " << seed);
    Walker walker(seed);
    for (int i = 0; i < 150; ++i) walker.step();
    walker.finish();
  }
}

TEST_CASE("folds of a large tree, with deletes all over it, stay sound") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  std::mt19937_64 rng(13);
  constexpr std::uint64_t kKeys = 20'000;
  for (int round = 0; round < 4; ++round) {
    std::vector<TransactionPtr> batch;
    for (int i = 0; i < 8'000; ++i) {
      const std::string ns = "n" + std::to_string(rng() % 3), key = "key/" + std::to_string(rng() % kKeys);
      const auto known = history.world().find(ns);
      const bool there = known != history.world().end() && known->second.entries.contains(key);
      batch.push_back(there && round > 0 && rng() % 4 != 0
                          ? history.remove(ns, key)
                          : history.put(ns, key, std::string(rng() % 200, 'v')));
    }
    REQUIRE(store->journal.append(batch));
    REQUIRE(store->state.fold(batch, Wall{}));
    require_sound(store->journal, store->state);
  }
  Recent recent(history.last());
  StateReader state(store->state);
  JournalReader journal(store->journal);
  require_view_equals(ReadView(recent.snapshot(), state, journal), history.world());
}

TEST_CASE("a session's window slides: outcomes older than the highest n - 1,023 are let go") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  SampleHistory::Options options;
  for (const std::uint64_t step : {1U, 3U}) {
    std::vector<TransactionPtr> batch;
    for (std::uint64_t i = 0; i < 900; ++i) {
      options.req = RequestId{"12345678", (batch.empty() ? step : batch.back()->req->n + step) +
                                              (step == 3 && batch.empty() ? 900U : 0U)};
      batch.push_back(history.commit({{"a", "k", text_value("v")}}, options));
    }
    REQUIRE(store->journal.append(batch));
    REQUIRE(store->state.fold(batch, Wall{}));
  }
  StateReader state(store->state);
  const auto session = state.find_session("anonymous", "12345678");
  REQUIRE(session);
  REQUIRE(*session);
  CHECK((*session)->highest == 900 + 3 * 900);
  CHECK((*session)->outcomes.size() == 342);  // 3600, 3597 ... 2577
  CHECK((*session)->outcomes.front().first == 2577);
  CHECK((*session)->outcomes.front().first + 1024 > (*session)->highest);
  CHECK_FALSE(state.find_session("anonymous", "other")->has_value());
  require_sound(store->journal, store->state);
}

TEST_CASE("I7: a session whose n end at 2^64 - 1 keeps its outcomes") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  SampleHistory::Options options;
  std::vector<TransactionPtr> batch;
  for (const std::uint64_t below : {2000U, 1024U, 1023U, 5U, 0U}) {
    options.req = RequestId{"12345678", UINT64_MAX - below};
    batch.push_back(history.commit({{"a", "k", text_value("v")}}, options));
  }
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, Wall{}));
  StateReader state(store->state);
  const auto session = state.find_session("anonymous", "12345678");
  REQUIRE(session);
  REQUIRE(*session);
  CHECK((*session)->highest == UINT64_MAX);
  using Outcomes = std::vector<std::pair<std::uint64_t, Revision>>;
  CHECK((*session)->outcomes ==
        Outcomes{{UINT64_MAX - 1023, Revision(3)}, {UINT64_MAX - 5, Revision(4)}, {UINT64_MAX, Revision(5)}});
  require_sound(store->journal, store->state);
}

TEST_CASE("sessions that wrote nothing for longer than asked are removed, others kept") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  SampleHistory history(store->journal.meta().epoch);
  std::vector<TransactionPtr> batch;
  SampleHistory::Options options;
  for (int i = 0; i < 100; ++i) {
    options.req = RequestId{"sess" + std::to_string(1000 + i), 1};
    options.micros_later = 1'000'000;
    batch.push_back(history.commit({{"a", "k", text_value("v")}}, options));
  }
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, Wall{}));
  const Wall before = batch[60]->time;
  batch = {history.put("a", "k", "w")};
  REQUIRE(store->journal.append(batch));
  REQUIRE(store->state.fold(batch, before));
  StateReader state(store->state);
  CHECK(state.session_headers(Wall{})->size() == 40);
  CHECK_FALSE(state.find_session("anonymous", "sess1059")->has_value());
  CHECK(state.find_session("anonymous", "sess1060")->has_value());
  require_sound(store->journal, store->state);
}

}  // namespace prismbus::test
