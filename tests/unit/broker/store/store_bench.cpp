// Figures of the store alone, hidden from the test run: `store_test "[.bench]" -s`, on a release build. Sizes
// come from PRISMBUS_BENCH_KEYS (1,000,000); the data lies under PRISMBUS_BENCH_DIR when sync is to be that
// of a real disk.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "broker/store/read_view.hpp"
#include "proto/wire/codec/stream.hpp"
#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {
namespace {

using Clock = std::chrono::steady_clock;
double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Of this thread: what other work on the machine does not change.
double cpu_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

std::size_t setting(const char* name, std::size_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : static_cast<std::size_t>(std::atoll(text));
}

// One put of 200 bytes; figures are left out, nothing here reads them.
TransactionPtr one_put(std::uint64_t rev, std::uint64_t key) {
  auto txn = std::make_shared<StoredTransaction>();
  txn->rev = Revision(rev);
  txn->time = from_micros(1'700'000'000'000'000 + rev);
  txn->by = "anonymous";
  auto set = std::make_unique<StoredSet>();
  set->ns = "bench.keys";
  set->seq = Seq(rev);
  const std::string name = "key/" + std::to_string(key * 7919 % 1'000'003),
                    value = text_value(std::string(197, 'v'));
  std::vector<codec::ChangeOffsets> places;
  codec::encode_change_set(set->encoded, {Epoch(1), txn->rev, set->seq, txn->time, txn->by, std::nullopt},
                           {{ChangeOp::put, name, value, 1}}, places);
  const std::string_view encoded = set->encoded;
  set->changes.push_back({ChangeOp::put, encoded.substr(places[0].key_at, places[0].key_size),
                          encoded.substr(places[0].value_at, places[0].value_size), 1, txn->rev});
  txn->sets.push_back(std::move(set));
  return txn;
}

std::string bench_dir(const TemporaryDirectory& memory) {
  const char* given = std::getenv("PRISMBUS_BENCH_DIR");
  std::string dir = (given == nullptr ? memory.path() : std::string(given)) + "/store-bench";
  std::filesystem::remove_all(dir);
  return dir;
}

}  // namespace

TEST_CASE("figures of the store", "[.bench]") {
  const TemporaryDirectory memory;
  StoreSettings settings;
  settings.dir = bench_dir(memory);
  settings.map_bytes = std::size_t{16} << 30;
  const std::size_t keys = setting("PRISMBUS_BENCH_KEYS", 1'000'000),
                    folds_wanted = setting("PRISMBUS_BENCH_FOLDS", 3);
  std::mt19937_64 rng(1);
  std::uint64_t rev = 0;
  {
    auto store = Store::open(settings);
    REQUIRE(store);
    std::vector<TransactionPtr> batch;
    std::vector<double> appends;
    auto start = Clock::now();
    double folding = 0, folds = 0;
    std::vector<TransactionPtr> to_fold;
    while (rev < keys) {
      batch.clear();
      for (int i = 0; i < 1000; ++i, ++rev) batch.push_back(one_put(rev + 1, rev));
      const auto begin = Clock::now();
      REQUIRE(store->journal.append(batch));
      appends.push_back(ms_since(begin));
      to_fold.insert(to_fold.end(), batch.begin(), batch.end());
      if (to_fold.size() >= 100'000) {
        const auto fold_begin = Clock::now();
        REQUIRE(store->state.fold(to_fold, Wall{}));
        folding += ms_since(fold_begin), ++folds;
        to_fold.clear();
      }
    }
    std::sort(appends.begin(), appends.end());
    std::printf("append 1,000 puts of 200 B: p50 %.3f ms, p99 %.3f ms\n", appends[appends.size() / 2],
                appends[appends.size() * 99 / 100]);
    std::printf("fill %zu keys: %.0f ms, fold of 100k new keys: %.0f ms\n", keys, ms_since(start),
                folding / folds);
    for (std::size_t round = 0; round < folds_wanted; ++round) {
      batch.clear();
      for (int i = 0; i < 100'000; ++i, ++rev) batch.push_back(one_put(rev + 1, rng() % keys));
      REQUIRE(store->journal.append(batch));
      const auto begin = Clock::now();
      const double cpu = cpu_ms();
      REQUIRE(store->state.fold(batch, Wall{}));
      std::printf("fold of 100k random changes over %zu keys: %.0f ms (%.0f of CPU)\n", keys, ms_since(begin),
                  cpu_ms() - cpu);
    }
    appends.clear();
    for (int round = 0; round < 200; ++round) {
      batch.clear();
      for (int i = 0; i < 1000; ++i, ++rev) batch.push_back(one_put(rev + 1, rng() % keys));
      const auto begin = Clock::now();
      REQUIRE(store->journal.append(batch));
      appends.push_back(ms_since(begin));
    }
    std::sort(appends.begin(), appends.end());
    std::printf("append 1,000 puts of 200 B, warm: p50 %.3f ms, p99 %.3f ms\n", appends[100], appends[198]);
    appends.clear();
  }
  // Twice: what a start costs with the files in the page cache.
  for (int round = 0; round < 3; ++round) {
    const auto begin = Clock::now();
    const double cpu = cpu_ms();
    auto store = Store::open(settings);
    REQUIRE(store);
    const double opened = ms_since(begin);
    const double cpu_opened = cpu_ms() - cpu;
    Recent recent(store->state.meta().folded);
    for (TransactionPtr& txn : store->tail) recent.apply(std::move(txn));
    const double applied = ms_since(begin);
    std::printf("open %.1f ms of CPU, with apply %.1f\n", cpu_opened, cpu_ms() - cpu);
    std::printf("open with a tail of %zu: %.1f ms, with apply %.1f ms (%.0f ns each)\n", store->tail.size(),
                opened, applied, (applied - opened) * 1e6 / static_cast<double>(store->tail.size()));

    StateReader state(store->state);
    state.renew();
    constexpr int kFinds = 500'000;
    std::vector<std::string> names;
    names.reserve(kFinds);
    for (int i = 0; i < kFinds; ++i)
      names.push_back("key/" + std::to_string(rng() % keys * 7919 % 1'000'003));
    auto at = Clock::now();
    std::size_t found = 0;
    for (const std::string& name : names) {
      const auto entry = state.find("bench.keys", name);
      REQUIRE(entry);
      found += entry->has_value();
    }
    std::printf("state find: %.0f ns (%zu found)\n", ms_since(at) * 1e6 / kFinds, found);
    at = Clock::now();
    found = 0;
    for (const std::string& name : names) found += recent.find("bench.keys", name).has_value();
    std::printf("recent find: %.0f ns (%zu found)\n", ms_since(at) * 1e6 / kFinds, found);

    at = Clock::now();
    int snapshots = 0;
    double worst = 0;
    while (!recent.snapshot()->unsorted.empty()) {
      worst = std::max(worst, ms_since(at)), at = Clock::now(), ++snapshots;
    }
    std::printf("%d snapshots until sorted, worst %.2f ms, %zu runs\n", snapshots, worst,
                recent.snapshot()->runs.size());
    JournalReader journal(store->journal);
    at = Clock::now();
    const ReadView view(recent.snapshot(), state, journal);
    std::size_t rows = 0, bytes = 0;
    REQUIRE(view.scan("", "", [&](std::string_view, std::string_view, const EntryView* entry) {
      ++rows, bytes += entry == nullptr ? 0 : entry->value.size();
      return true;
    }));
    std::printf("scan: %zu rows, %.0f ns each\n", rows, ms_since(at) * 1e6 / static_cast<double>(rows));
    at = Clock::now();
    recent.drop_folded(store->state.meta().folded.next());
    recent.drop_folded(recent.applied());
    const double dropped = ms_since(at);
    int pieces = 0;
    worst = 0;
    for (bool more = true; more; ++pieces) {
      at = Clock::now();
      more = recent.tidy();
      worst = std::max(worst, ms_since(at));
    }
    std::printf("drop: %.2f ms, then %d pieces, worst %.2f ms\n", dropped, pieces, worst);
  }
  std::filesystem::remove_all(settings.dir);
}

}  // namespace prismbus::test
