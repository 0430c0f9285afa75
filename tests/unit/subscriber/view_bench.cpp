// Figures of the view: [.bench], release builds only. subscriber_test "[.bench]"
#include <catch2/catch.hpp>

#include <time.h>

#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "proto/base/hash.hpp"
#include "subscriber/view/namespace_copy.hpp"
#include "subscriber/view/view_store.hpp"

using namespace prismbus;

namespace {

constexpr int kKeys = 100'000;

// This thread's own CPU time: the figures hold on a busy machine too.
double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Filled {
  ViewStore store;
  NamespaceCopy copy;
  Hamt<NamespaceLeaf> table;
  std::shared_ptr<const std::string> name = std::make_shared<const std::string>("exchange.instruments");
  std::vector<std::string> keys;

  Filled() {
    for (int i = 0; i < kKeys; ++i) keys.push_back("instrument/" + std::to_string(i * 7919) + "/tick_size");
    Garbage garbage;
    for (int i = 0; i < kKeys; ++i) {
      Entry e;
      e.key = keys[static_cast<std::size_t>(i)];
      e.value = std::string(200, 'v');
      e.rev = Revision(static_cast<std::uint64_t>(i) + 1);
      copy.insert(e, garbage);
    }
    copy.seq = Seq(kKeys);
    copy.rev = Revision(kKeys);
    publish(garbage);
  }
  void publish(Garbage& garbage) {
    auto* leaf = new NamespaceLeaf;
    leaf->name = name;
    leaf->hash = xxh3_64(*name);
    leaf->shown = true;
    leaf->entries = copy.entries;
    leaf->seq = copy.seq;
    table.put(leaf, garbage);
    store.publish(new ViewRoot{Epoch(1), true, true, nullptr, table});
    store.retire(std::move(garbage));
  }
  void change(std::mt19937_64& random) {
    Garbage garbage;
    ChangeSet set;
    set.seq = copy.seq.next();
    set.rev = copy.rev.next();
    set.changes.push_back({ChangeOp::put, keys[random() % kKeys], std::string(200, 'w'), 2});
    copy.apply(set, garbage, nullptr);
    publish(garbage);
  }
};

double reads_per_second(Filled& f, int reads, bool view_each) {
  std::mt19937_64 random(3);
  std::vector<std::uint32_t> order(1 << 16);
  for (auto& o : order) o = static_cast<std::uint32_t>(random() % kKeys);
  std::uint64_t sum = 0;
  const double start = cpu_seconds();
  for (int i = 0; i < reads;) {
    const View view = f.store.view();
    for (int j = 0; j < (view_each ? 1 : 64); ++j, ++i) {
      const auto value =
          view.get("exchange.instruments", f.keys[order[static_cast<std::size_t>(i) & 0xffff]]);
      sum += value->rev.value();
    }
  }
  const double rate = reads / (cpu_seconds() - start);
  REQUIRE(sum > 0);
  return rate;
}

}  // namespace

TEST_CASE("figures of the view", "[.bench]") {
  Filled f;
  WARN("reads by random key, 64 a view: " << reads_per_second(f, 10'000'000, false) / 1e6 << " M/s");
  WARN("reads by random key, a view each: " << reads_per_second(f, 10'000'000, true) / 1e6 << " M/s");
  std::mt19937_64 random(5);
  const double start = cpu_seconds();
  for (int i = 0; i < 300'000; ++i) f.change(random);
  WARN("one change, published: " << (cpu_seconds() - start) / 300'000 * 1e6 << " us");
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> changes{0};
  std::thread writer([&] {
    std::mt19937_64 own(9);
    while (!stop.load(std::memory_order_relaxed)) {
      f.change(own);
      changes.fetch_add(1, std::memory_order_relaxed);
    }
  });
  const auto began = std::chrono::steady_clock::now();
  const double beside = reads_per_second(f, 10'000'000, false);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
  const double changed = static_cast<double>(changes.load()) / wall.count();
  stop = true;
  writer.join();
  WARN("reads beside a writer at " << changed / 1e3 << " k changes/s: " << beside / 1e6 << " M/s");
}
