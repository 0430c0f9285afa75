// Benchmark: handles and views of 100 k keys, read by one thread while another feeds 100 k decoded changes a
// second, each a transaction and a picture of its own. No sockets: what the library itself costs. Raw: a
// std::atomic<double> and a std::unordered_map that nobody writes.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <random>
#include <thread>
#include <unordered_map>

#include "perf/bench.hpp"
#include "perf/fed_view.hpp"
#include "perf/timed_reads.hpp"
#include "proto/base/bytes.hpp"

namespace prismbus::perf {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kGap = 10us;  // between two changes: 100 k a second
constexpr auto kTurn = 1ms;  // the feeder sleeps so long at most, then feeds what is due

// Feeds on a thread of its own until it ends.
class Feeder {
 public:
  explicit Feeder(FedView& view) : view_(view), started_(Clock::now()), thread_([this] { run(); }) {}
  ~Feeder() { end(); }
  void end() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] double per_second() const {
    return static_cast<double>(fed_) / std::chrono::duration<double>(ended_ - started_).count();
  }
  [[nodiscard]] std::uint64_t fed() const { return fed_; }

 private:
  void run() {
    auto due = started_;
    while (!stop_) {
      for (const auto now = Clock::now(); due <= now; due += kGap, ++fed_) view_.feed(view_.next_set());
      std::this_thread::sleep_until(std::min(due, Clock::now() + kTurn));
    }
    ended_ = Clock::now();
  }
  FedView& view_;
  const Clock::time_point started_;
  Clock::time_point ended_;
  std::uint64_t fed_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

struct Figures {
  std::vector<double> handle, text, view_each, view_kept, update_us, fed, raw_atomic, raw_map;
  std::uint64_t handle_reads = 0, view_reads = 0, updates = 0;
};

// CPU time of one change, decoded already, until readers see it and what it replaced is freed.
double update_us(FedView& view, std::uint64_t changes) {
  std::deque<std::vector<ChangeSet>> sets;
  for (std::uint64_t i = 0; i < changes; ++i) sets.push_back(view.next_set());
  const auto before = thread_cpu_time();
  for (auto& set : sets) view.feed(std::move(set));
  return std::chrono::duration<double, std::micro>(thread_cpu_time() - before).count() /
         static_cast<double>(changes);
}

void report(Bench& bench, const Figures& f, std::uint64_t keys, double per_entry) {
  const std::string beside = fmt::format("beside {} changes/s", print(rate(median(f.fed))));
  bench.report({.name = "bound handle, a number, one reader",
                .ours = rate(median(f.handle)),
                .raw = rate(median(f.raw_atomic)),
                .mark = ">= 20 M/s",
                .reached = median(f.handle) >= 20e6,
                .n = f.handle_reads,
                .conditions = fmt::format("1,000 handles in turn, {}; a text of 200 B by with(): {}; raw = "
                                          "std::atomic<double> that nobody writes",
                                          beside, print(rate(median(f.text))))});
  bench.report(
      {.name = "view by random string key, one reader",
       .ours = rate(median(f.view_each)),
       .raw = rate(median(f.raw_map)),
       .mark = ">= 5 M/s",
       .reached = median(f.view_each) >= 5e6,
       .n = f.view_reads,
       .conditions = fmt::format("{} keys, {}, a View for every read; a View for 1,000 reads: {}; raw = "
                                 "std::unordered_map that nobody writes",
                                 keys, beside, print(rate(median(f.view_kept))))});
  const double us = median(f.update_us);
  bench.report({.name = "one change applied, shown and told to handles",
                .ours = duration(std::chrono::nanoseconds(static_cast<std::int64_t>(us * 1000))),
                .mark = "< 5 us",
                .reached = us < 5,
                .n = f.updates,
                .conditions = fmt::format(
                    "CPU time, a transaction and a picture each, {} keys, no reader; memory: {:.0f} "
                    "B an entry beside its key and value",
                    keys, per_entry)});
}

}  // namespace

Outcome bench_fed_reads(Bench& bench) {
  const std::uint64_t keys = bench.keys().keys, bound = std::min<std::uint64_t>(1000, keys / 2);
  const auto heap_before = ::mallinfo2().uordblks;
  FedView fed(keys, bound, kValueBytes, bench.options().seed);
  if (!fed.live()) return tl::unexpected(std::string("the view is not live"));
  std::vector<std::string> names;
  std::size_t payload = 0;
  const double heap = static_cast<double>(::mallinfo2().uordblks - heap_before);
  std::unordered_map<std::string, std::string, BytesHash, std::equal_to<>> map;
  for (std::uint64_t i = 0; i < keys; ++i) {
    payload += key_name(i).size() + (i < bound ? 9 : kValueBytes);
    map.emplace(key_name(i), encoded_value(kValueBytes));
  }
  // FedView keeps the names once more, for itself.
  const double names_heap = static_cast<double>(keys * (sizeof(std::string) + key_name(0).size() + 17));
  const double per_entry = (heap - names_heap - static_cast<double>(payload)) / static_cast<double>(keys);

  std::vector<Handle<double>> numbers;
  std::vector<Handle<std::string>> texts;
  std::vector<std::atomic<double>> atomics(bound);
  for (std::uint64_t i = 0; i < bound; ++i) {
    numbers.push_back(fed.bind(i));
    texts.push_back(fed.bind_text(bound + i));
  }
  std::mt19937_64 random(bench.options().seed);
  for (int i = 0; i < 20'000; ++i) names.push_back(key_name(random() % keys));

  Figures f;
  const auto time = bench.options().measure / 4;
  for (int round = 0; round < bench.options().rounds; ++round) {
    f.raw_atomic.push_back(time_reads(atomics, time, [](const auto& a) {
                             return 1.0 + a.load(std::memory_order_acquire);
                           }).per_second);
    f.raw_map.push_back(time_reads(names, time, [&](const std::string& key) {
                          return map.find(key)->second.size();
                        }).per_second);
    f.updates += bench.options().tiny ? 1000 : 300'000;
    f.update_us.push_back(update_us(fed, bench.options().tiny ? 1000 : 300'000));
    Feeder feeder(fed);
    const Reads of_handles = time_reads(numbers, time, [](const auto& h) { return 1.0 + h.get(); });
    const Reads of_texts = time_reads(
        texts, time, [](const auto& h) { return h.with([](const std::string& t) { return t.size(); }); });
    const Reads each = time_reads(names, time, [&](const std::string& key) {
      return fed.store().view().get(FedView::kNs, key)->bytes.size();
    });
    std::vector<std::size_t> thousands(names.size() / 1000);
    for (std::size_t i = 0; i < thousands.size(); ++i) thousands[i] = i * 1000;
    const Reads kept = time_reads(thousands, time, [&](std::size_t first) {
      const View view = fed.store().view();
      const auto in = view.in(FedView::kNs);
      std::size_t sum = 0;
      for (std::size_t i = 0; i < 1000; ++i) sum += in->get(names[first + i])->bytes.size();
      return sum;
    });
    feeder.end();
    if (each.sum < each.n) return tl::unexpected(std::string("a key was not found in the view"));
    f.handle.push_back(of_handles.per_second);
    f.text.push_back(of_texts.per_second);
    f.view_each.push_back(each.per_second);
    f.view_kept.push_back(kept.per_second * 1000);
    f.fed.push_back(feeder.per_second());
    f.handle_reads += of_handles.n;
    f.view_reads += each.n;
  }
  report(bench, f, keys, per_entry);
  return {};
}

}  // namespace prismbus::perf
