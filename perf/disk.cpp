// Benchmark: the raw limits of this disk. There is nothing of ours in it; the other rows are read beside
// these.
#include <fmt/format.h>

#include "perf/bench.hpp"
#include "perf/raw_disk.hpp"

namespace prismbus::perf {
namespace {

constexpr std::size_t kRecordBytes = 330;  // a put of a 200-byte value as the journal records it

std::string percentiles(const DiskFigures& figures) {
  return fmt::format("a commit p50 {}, p99 {}", print(duration(figures.commits.at(0.5))),
                     print(duration(figures.commits.at(0.99))));
}

}  // namespace

Outcome bench_disk(Bench& bench) {
  const auto time = bench.options().measure;
  const auto bare = measure_fdatasync(bench.scratch(), time);
  if (!bare) return tl::unexpected(bare.error());
  bench.report({.name = "raw: write 4 KiB + fdatasync",
                .ours = {},
                .raw = rate(static_cast<double>(bare->records) / bare->seconds),
                .mark = {},
                .reached = {},
                .n = bare->records,
                .conditions = percentiles(*bare)});
  for (const std::size_t per_commit : {1U, 10U, 100U, 1000U}) {
    const auto append = measure_append(bench.scratch(), kRecordBytes, per_commit, time);
    if (!append) return tl::unexpected(append.error());
    bench.report({.name = fmt::format("raw: LMDB append, {} a sync", per_commit),
                  .ours = {},
                  .raw = rate(static_cast<double>(append->records) / append->seconds),
                  .mark = {},
                  .reached = {},
                  .n = append->records,
                  .conditions = fmt::format("{} B records; {}", kRecordBytes, percentiles(*append))});
  }
  return {};
}

}  // namespace prismbus::perf
