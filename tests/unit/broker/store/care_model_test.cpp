// Care for the data against maps: random writes, folds, floors, trims, restarts, backups a piece at a time,
// restores of any earlier backup and rebuilds, at random interleavings in one thread; after each restore,
// rebuild and restart the store holds what it has to, is sound to audit(), and a restore is always another
// history.
//   PRISMBUS_RUNS=50000  as many runs (default 60)      PRISMBUS_SEED=17  that run only
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>

#include "broker/store/backup_agent.hpp"
#include "broker/store/backup_reader.hpp"
#include "broker/store/new_epoch.hpp"
#include "broker/store/restore.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

struct Tally {
  std::uint64_t writes = 0, backups = 0, begun_anew = 0, restores = 0, rebuilds = 0, refused_rebuilds = 0,
                restarts = 0, trims = 0;
};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

class CareWalker {
 public:
  CareWalker(std::uint64_t seed, Tally& tally) : rng_(seed), tally_(tally) { open(); }

  void step() {
    const std::uint64_t dice = rng_() % 100;
    if (dice < 45) return write();
    if (dice < 60) return fold();
    if (dice < 70) return move_floor();
    if (dice < 78) return trim();
    if (dice < 84) return order_backup();
    if (dice < 94) return step_backup();
    if (dice < 96) return restart();
    if (dice < 98) return restore();
    rebuild();
  }

  void finish() {
    while (agent_busy_) step_backup();
    restore();
    for (int i = 0; i < 5; ++i) write();
    restart();
  }

 private:
  void write() {
    std::vector<TransactionPtr> batch;
    for (std::uint64_t n = 1 + rng_() % 4; n > 0; --n) batch.push_back(history_->random(rng_));
    REQUIRE(store_->journal.append(batch));
    unfolded_.insert(unfolded_.end(), batch.begin(), batch.end());
    tally_.writes += batch.size();
  }

  void fold() {
    if (unfolded_.empty()) return;
    const auto count = static_cast<std::ptrdiff_t>(1 + rng_() % unfolded_.size());
    const std::vector<TransactionPtr> batch(unfolded_.begin(), unfolded_.begin() + count);
    REQUIRE(store_->state.fold(batch, Wall{}));
    unfolded_.erase(unfolded_.begin(), unfolded_.begin() + count);
  }

  void move_floor() {
    const std::uint64_t floor = store_->state.meta().floor.value(),
                        folded = store_->state.meta().folded.value();
    if (!trims_ || folded <= floor) return;
    REQUIRE(store_->state.advance_floor(Revision(floor + 1 + rng_() % (folded - floor)),
                                        {1 + rng_() % 20, 1u << 20}));
  }

  // As the journal's agent: not while the gate is closed, but for a step that was under way when it closed.
  void trim() {
    const Revision to = store_->state.meta().floor, floor = store_->journal.meta().floor;
    if (to <= floor || to >= store_->journal.meta().last) return;
    if (gate_.closed() && rng_() % 4 != 0) return;
    REQUIRE(store_->journal.trim(to, {1 + rng_() % 10, 1u << 20}));
    ++tally_.trims;
  }

  void order_backup() {
    if (agent_busy_) return;
    REQUIRE(orders_.try_push(BackupOrder{"b" + std::to_string(++backup_number_)}));
    agent_busy_ = true;
    moments_.clear();
    step_backup();
  }

  void step_backup() {
    if (!agent_busy_) return;
    moments_.push_back(*history_);  // the views may be of this moment
    agent_->step({Steady{}, from_micros(1)});
    std::vector<BackupOutcome> told;
    if (outcomes_.drain(told) == 0) return;
    agent_busy_ = false;
    REQUIRE_FALSE(gate_.closed());
    if (!told[0]) {
      REQUIRE(told[0].error().code == ErrorCode::compacted);  // trimmed under it three times
      return;
    }
    const auto report = verify_backup(told[0]->path);
    REQUIRE(report);
    const auto moment = std::find_if(
        moments_.begin(), moments_.end(),
        [&report](const SampleHistory& history) { return history.last() == report->header.last; });
    REQUIRE(moment != moments_.end());
    if (report->header.last != moments_.front().last()) ++tally_.begun_anew;
    kept_.push_back({told[0]->path, *moment});
    ++tally_.backups;
  }

  void restart() {
    close();
    open();
    ++tally_.restarts;
    compare();
  }

  void restore() {
    if (kept_.empty()) return;
    const auto& [path, then] = kept_[rng_() % kept_.size()];
    close();
    const bool replace = rng_() % 2 == 0;
    if (!replace) std::filesystem::remove_all(data_);
    const auto restored = restore_backup({path, data_, replace}, from_micros(++restored_at_));
    REQUIRE(restored);
    if (replace) std::filesystem::remove_all(restored->put_by);
    REQUIRE(epochs_.insert(restored->epoch.value()).second);  // never one that was there before
    history_ = then.in_epoch(restored->epoch);
    open();
    ++tally_.restores;
    compare();
  }

  void rebuild() {
    const Revision floor = store_->journal.meta().floor;
    close();
    const auto rebuilt = rebuild_state(data_, kTestMap);
    if (floor != Revision(0)) {
      REQUIRE_FALSE(rebuilt);
      REQUIRE(rebuilt.error().message.find("restore a backup") != std::string::npos);
      ++tally_.refused_rebuilds;
    } else {
      REQUIRE(rebuilt);
      ++tally_.rebuilds;
    }
    open();
    compare();
  }

  void compare() {
    require_sound(store_->journal, store_->state);
    Recent recent(store_->state.meta().folded);
    for (const TransactionPtr& txn : unfolded_) recent.apply(txn);
    StateReader state(store_->state);
    JournalReader journal(store_->journal);
    const ReadView view(recent.snapshot(), state, journal);
    REQUIRE(view.rev() == history_->last());
    require_view_equals(view, history_->world());
    for (const auto& [name, ns] : history_->world()) {
      const auto& sets = history_->sets(name);
      for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto set = view.change_set(name, Seq(i + 1));
        if (set) {
          REQUIRE(*set == sets[i]);
        } else {
          REQUIRE(set.error().code == ErrorCode::compacted);
          REQUIRE(store_->state.meta().floor > Revision(0));
        }
      }
    }
  }

  // A crash takes the backup under way with it.
  void close() {
    agent_.reset();
    agent_busy_ = false;
    std::vector<BackupOrder> lost;
    orders_.drain(lost);
    gate_.open();
    store_.reset();
  }

  void open() {
    auto store = Store::open({data_, kTestMap, nullptr, nullptr});
    REQUIRE(store);
    store_.emplace(std::move(*store));
    if (!history_) history_.emplace(store_->journal.meta().epoch);
    epochs_.insert(store_->journal.meta().epoch.value());
    REQUIRE(store_->journal.meta().last == history_->last());
    unfolded_.assign(store_->tail.begin(), store_->tail.end());
    store_->tail.clear();
    agent_.emplace(*store_, BackupSettings{dir_.path() + "/backups", 0}, gate_, orders_, outcomes_);
  }

  TemporaryDirectory dir_;
  const std::string data_ = dir_.path() + "/data";
  std::mt19937_64 rng_;
  Tally& tally_;
  const bool trims_ = rng_() % 3 != 0;
  std::optional<Store> store_;
  std::optional<SampleHistory> history_;
  std::deque<TransactionPtr> unfolded_;
  TrimGate gate_;
  BoundedQueue<BackupOrder> orders_{2, nullptr};
  BoundedQueue<BackupOutcome> outcomes_{2, nullptr};
  std::optional<BackupAgent> agent_;
  bool agent_busy_ = false;
  std::vector<SampleHistory> moments_;
  std::vector<std::pair<std::string, SampleHistory>> kept_;  // backups and what they have to hold
  std::set<std::uint64_t> epochs_;
  std::uint64_t backup_number_ = 0, restored_at_ = 0;
};

}  // namespace

TEST_CASE("random runs of writes, floors, trims, backups, restores, rebuilds and restarts equal plain maps") {
  const std::uint64_t chosen = number_from("PRISMBUS_SEED", 0);
  const std::uint64_t first = chosen != 0 ? chosen : 1;
  const std::uint64_t runs = chosen != 0 ? 1 : number_from("PRISMBUS_RUNS", 60);
  Tally tally;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    INFO("PRISMBUS_SEED=" << seed);
    CareWalker walker(seed, tally);
    for (int i = 0; i < 80; ++i) walker.step();
    walker.finish();
  }
  std::cout << "care model: seeds " << first << ".." << first + runs - 1 << ": " << tally.writes
            << " transactions, " << tally.backups << " backups (" << tally.begun_anew << " begun anew), "
            << tally.restores << " restores, " << tally.rebuilds << " rebuilds and " << tally.refused_rebuilds
            << " refused, " << tally.trims << " trims, " << tally.restarts << " restarts\n";
  CHECK(tally.restores > 0);
}

}  // namespace prismbus::test
