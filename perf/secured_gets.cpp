// Benchmark: pipelined gets by libzmq of a broker with security on, by CURVE and under a token that `hello`
// bound to the connection, beside the same of a broker without.
#include <fmt/format.h>

#include "perf/bench.hpp"
#include "perf/dealer_loop.hpp"
#include "perf/turns.hpp"

namespace prismbus::perf {

Outcome bench_secured_gets(Bench& bench) {
  auto security = bench.secure("gets");
  if (!security) return tl::unexpected(security.error());
  auto secured = bench.start_secured("secured-gets", *security);
  if (!secured) return tl::unexpected(secured.error());
  auto open = bench.start_broker("open-gets");
  if (!open) return tl::unexpected(open.error());
  if (auto loaded = bench.load(secured->requests(), bench.keys(), security->credentials()); !loaded)
    return loaded;
  if (auto loaded = bench.load(open->requests(), bench.keys()); !loaded) return loaded;
  const ClosedLoop load{.endpoint = {}, .connections = 1, .window = 256};
  const auto turns =
      take_turns(bench, run_dealer_loop, load, {*secured, true, security->credentials()}, {*open},
                 [&](std::uint64_t seed) { return RequestStream::gets(bench.keys(), seed); });
  if (!turns) return tl::unexpected(turns.error());
  bench.report({.name = fmt::format("get, pipelined, libzmq DEALER, window {}, CURVE and token", load.window),
                .ours = rate(median(turns->ours)),
                .raw = rate(median(turns->raw)),
                .n = turns->n,
                .conditions = fmt::format(
                    "random key of {}; raw = a broker without security, same asker; {}; without: {}",
                    bench.keys().keys, describe(*turns), turns->raw_cpu)});
  return {};
}

}  // namespace prismbus::perf
