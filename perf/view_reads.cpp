// Benchmark: reads in the application, from the subscriber library's view, by random key, one reader thread.
// Raw is a std::unordered_map of the same keys and values that nobody writes: what any local copy could cost
// at best.
#include <fmt/format.h>

#include <random>
#include <unordered_map>

#include "perf/bench.hpp"
#include "perf/timed_reads.hpp"
#include "proto/base/bytes.hpp"
#include "subscriber/subscriber.hpp"

namespace prismbus::perf {
Outcome bench_view_reads(Bench& bench) {
  const KeySpace space = bench.keys();
  auto broker = bench.start_broker("view");
  if (!broker) return tl::unexpected(broker.error());
  if (auto loaded = bench.load(broker->requests(), space); !loaded) return loaded;
  SubscriberOptions options;
  options.brokers = {broker->requests()};
  options.namespaces = {space.ns};
  auto subscriber = Subscriber::open(std::move(options));
  if (!subscriber) return tl::unexpected(subscriber.error().message);
  if (!(*subscriber)->wait_live(std::chrono::seconds(30)))
    return tl::unexpected(std::string("the subscriber is not live"));

  std::unordered_map<std::string, std::string, BytesHash, std::equal_to<>> plain;
  for (std::uint64_t i = 0; i < space.keys; ++i) plain.emplace(key_name(i), encoded_value(kValueBytes));
  std::mt19937_64 random(bench.options().seed);
  std::vector<std::string> keys;
  for (int i = 0; i < 20'000; ++i) keys.push_back(key_name(random() % space.keys));

  const auto of_map = [&](const std::string& key) {
    const auto it = plain.find(std::string_view(key));
    return it == plain.end() ? std::size_t{0} : it->second.size();
  };
  // As an application does it: a view for each read.
  const auto of_view = [&](const std::string& key) {
    const View view = (*subscriber)->view();
    const auto value = view.get(space.ns, key);
    return value ? value->bytes.size() : std::size_t{0};
  };
  std::vector<double> ours, cpu, raw, bound;
  std::uint64_t n = 0;
  for (int round = 0; round < bench.options().rounds; ++round) {
    raw.push_back(time_reads(keys, bench.options().measure / 3, of_map).per_second);
    const auto one = time_reads(keys, bench.options().measure / 3, of_view);
    if (one.sum != one.n * kValueBytes) return tl::unexpected(std::string("a key was not found in the view"));
    ours.push_back(one.per_second);
    cpu.push_back(one.per_cpu_second);
    n += one.n;
    const View view = (*subscriber)->view();
    const auto in = view.in(space.ns);
    bound.push_back(time_reads(keys, bench.options().measure / 3, [&](const std::string& key) {
                      const auto value = in->get(key);
                      return value ? value->bytes.size() : std::size_t{0};
                    }).per_second);
  }
  bench.report(
      {.name = "read in the application, random key of 100 k, one reader",
       .ours = rate(median(ours)),
       .raw = rate(median(raw)),
       .mark = ">= 5 M/s",
       .reached = median(ours) >= 5e6,
       .n = n,
       .conditions = fmt::format(
           "a View taken for every read; {} of the reader's CPU time; one View kept, namespace bound: "
           "{}; raw = std::unordered_map that nobody writes",
           print(rate(median(cpu))), print(rate(median(bound))))});
  return {};
}

}  // namespace prismbus::perf
