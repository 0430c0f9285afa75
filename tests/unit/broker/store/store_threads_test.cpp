// The threads of a broker around one store: a bus that appends and applies, a fold agent, readers with views.
// What crosses goes through bounded queues. Each view has to be whole in itself (I5, I9): entries, heads and
// figures of one revision, and never older than the watermark it was asked at.
#include <xxhash.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "broker/store/agents.hpp"
#include "broker/store/read_view.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

struct Asked {
  RecentSnapshotPtr recent;
  std::uint64_t keys = 0;  // live ones at the watermark; told when fold is not past it
};

// Empty, or what is wrong. Catch2's macros are for the main thread only.
std::string check(const ReadView& view, const Asked& asked) {
  if (view.rev() < asked.recent->watermark) return "a view older than its recent";
  std::map<std::string, NamespaceFigures> figures;
  std::uint64_t keys = 0;
  std::uint64_t newest = 0;
  const auto scanned =
      view.scan("", "", [&](std::string_view ns, std::string_view key, const EntryView* entry) {
        if (entry == nullptr) return true;
        std::string bytes(key);
        bytes.push_back('\0');
        for (int shift = 56; shift >= 0; shift -= 8)
          bytes.push_back(static_cast<char>(entry->rev.value() >> shift));
        NamespaceFigures& sum = figures[std::string(ns)];
        sum.hash += XXH3_64bits(bytes.data(), bytes.size());
        sum.bytes += key.size() + entry->value.size();
        ++sum.keys;
        ++keys;
        newest = std::max(newest, entry->rev.value());
        return true;
      });
  if (!scanned) return scanned.error().message;
  if (newest > view.rev().value()) return "an entry newer than the view";
  std::string wrong;
  const auto heads = view.scan_namespaces("", [&](std::string_view ns, const RecentHead& head) {
    const auto sum = figures.find(std::string(ns));
    if (head.figures != (sum == figures.end() ? NamespaceFigures{} : sum->second))
      wrong = "figures of " + std::string(ns);
    if (head.head.rev > view.rev()) wrong = "a head newer than the view";
    figures.erase(std::string(ns));
    return wrong.empty();
  });
  if (!heads) return heads.error().message;
  if (wrong.empty() && !figures.empty()) return "entries of a namespace without a head";
  if (wrong.empty() && view.rev() == asked.recent->watermark && keys != asked.keys) return "number of keys";
  return wrong;
}

std::uint64_t live_keys(const SampleWorld& world) {
  std::uint64_t keys = 0;
  for (const auto& [name, ns] : world) keys += ns.entries.size();
  return keys;
}

}  // namespace

TEST_CASE("I5, I9: views on other threads are whole while the bus applies and fold folds") {
  const TemporaryDirectory dir;
  auto store = Store::open({dir.path(), kTestMap, nullptr, nullptr});
  REQUIRE(store);
  constexpr int kReaders = 2, kTransactions = 3000;
  BoundedQueue<JournalBatch> to_fold(4096, nullptr);
  BoundedQueue<FoldOutcome> folded(4096, nullptr);
  std::vector<std::unique_ptr<BoundedQueue<Asked>>> asked;
  for (int i = 0; i < kReaders; ++i) asked.push_back(std::make_unique<BoundedQueue<Asked>>(4096, nullptr));
  std::atomic<bool> stop{false};
  std::atomic<int> views{0};
  std::vector<std::string> wrong(kReaders);

  std::thread fold_thread([&] {
    FoldSettings settings;
    settings.changes_min = 50;
    settings.changes_max = 400;
    FoldAgent agent(store->state, settings, to_fold, folded);
    while (!stop) {
      if (agent.step(read_clock()) == 0) std::this_thread::yield();
    }
  });
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < kReaders; ++i) {
    readers.emplace_back([&, i] {
      StateReader state(store->state);
      JournalReader journal(store->journal);
      std::vector<Asked> batch;
      while (!stop && wrong[i].empty()) {
        batch.clear();
        asked[i]->drain(batch);
        if (batch.empty()) std::this_thread::yield();
        for (const Asked& one : batch) {
          const ReadView view(one.recent, state, journal);
          wrong[i] = check(view, one);
          ++views;
          if (!wrong[i].empty()) return;
        }
      }
    });
  }

  SampleHistory history(store->journal.meta().epoch);
  std::mt19937_64 rng(11);
  Recent recent(Revision(0));
  std::vector<FoldOutcome> outcomes;
  StateReader bus_state(store->state);
  bool failed = false;
  for (int i = 0; i < kTransactions; ++i) {
    const TransactionPtr txn = history.random(rng);
    const TransactionPtr batch[1] = {txn};
    failed = failed || !store->journal.append(batch);
    recent.apply(txn);
    JournalBatch for_fold{txn};
    failed = failed || !to_fold.try_push(std::move(for_fold));
    outcomes.clear();
    folded.drain(outcomes);
    for (const FoldOutcome& outcome : outcomes) {
      failed = failed || outcome.failure.has_value();
      bus_state.renew();
      recent.drop_folded(outcome.folded);
    }
    if (i % 5 == 0) {
      Asked one{recent.snapshot(), live_keys(history.world())};
      (void)asked[rng() % kReaders]->try_push(std::move(one));
    }
  }
  while (views < 200 && wrong[0].empty() && wrong[1].empty()) std::this_thread::yield();
  stop = true;
  fold_thread.join();
  for (std::thread& reader : readers) reader.join();
  CHECK_FALSE(failed);
  CHECK(wrong == std::vector<std::string>(kReaders));
  CHECK(views >= 200);
  require_sound(store->journal, store->state);
}

}  // namespace prismbus::test
