// Benchmarks by closed loop: gets pipelined on one connection, and 50 connections with one request
// outstanding each, both beside a raw ROUTER echo under the very same generator and requests.
#include <fmt/format.h>

#include <algorithm>

#include "perf/bench.hpp"
#include "perf/closed_loop.hpp"
#include "perf/dealer_loop.hpp"
#include "perf/turns.hpp"

namespace prismbus::perf {
Outcome bench_get_pipelined(Bench& bench) {
  auto broker = bench.start_broker("gets");
  if (!broker) return tl::unexpected(broker.error());
  auto echo = bench.start_raw("echo");
  if (!echo) return tl::unexpected(echo.error());
  if (auto loaded = bench.load(broker->requests(), bench.keys()); !loaded) return loaded;
  const auto gets = [&](std::uint64_t seed) { return RequestStream::gets(bench.keys(), seed); };
  std::size_t reply_bytes = 0;
  const auto row = [&](const std::string& name, RunLoop run, std::size_t window, const ServerProcess& beside,
                       const std::string& raw_is, bool marked) -> Outcome {
    const ClosedLoop load{.endpoint = {}, .connections = 1, .window = window};
    const auto turns = take_turns(bench, run, load, {*broker}, {beside, false}, gets);
    if (!turns) return tl::unexpected(turns.error());
    const double ours = median(turns->ours), raw = median(turns->raw);
    reply_bytes = turns->reply_bytes / std::max<std::uint64_t>(1, turns->n);
    Row out{.name = fmt::format("get, pipelined on one connection, {}window {}", name, window),
            .ours = rate(ours),
            .raw = rate(raw),
            .n = turns->n,
            .conditions =
                fmt::format("random key of {}; raw = {}; {}", bench.keys().keys, raw_is, describe(*turns))};
    if (marked) {
      out.mark = ">= 300 k/s and >= 30 %";
      out.reached = ours >= 300e3 && ours >= 0.3 * raw;
    }
    bench.report(out);
    return {};
  };
  const std::string echoed = "ROUTER echo of the request";
  // The mark is against libzmq on both sides, as services use it. Raw ZMTP asks faster than any of them can.
  if (auto done = row("", run_closed_loop, 256, *echo, echoed, false); !done) return done;
  if (auto done = row("", run_closed_loop, 1024, *echo, echoed, false); !done) return done;
  if (auto done = row("libzmq DEALER, ", run_dealer_loop, 256, *echo, echoed, true); !done) return done;
  auto answer = bench.start_raw("answer", reply_bytes);
  if (!answer) return tl::unexpected(answer.error());
  return row("", run_closed_loop, 1024, *answer,
             fmt::format("ROUTER that answers {} B, as ours do", reply_bytes), false);
}

Outcome bench_connections(Bench& bench) {
  auto broker = bench.start_broker("connections");
  if (!broker) return tl::unexpected(broker.error());
  auto echo = bench.start_raw("echo");
  if (!echo) return tl::unexpected(echo.error());
  if (auto loaded = bench.load(broker->requests(), bench.keys()); !loaded) return loaded;
  const ClosedLoop load{.endpoint = {}, .connections = bench.options().tiny ? 5U : 50U, .window = 1};
  const auto gets = take_turns(bench, run_closed_loop, load, {*broker}, {*echo, false},
                               [&](std::uint64_t seed) { return RequestStream::gets(bench.keys(), seed); });
  if (!gets) return tl::unexpected(gets.error());
  bench.report({.name = "get, 50 connections, one outstanding each",
                .ours = rate(median(gets->ours)),
                .raw = rate(median(gets->raw)),
                .mark = {},
                .reached = {},
                .n = gets->n,
                .conditions = "raw = ROUTER echo of the request; " + describe(*gets)});
  const auto puts = take_turns(bench, run_closed_loop, load, {*broker}, {*echo, false},
                               [&](std::uint64_t seed) { return RequestStream::puts(bench.keys(), seed); });
  if (!puts) return tl::unexpected(puts.error());
  bench.report(
      {.name = "durable put, 50 connections, one outstanding each",
       .ours = rate(median(puts->ours)),
       .raw = rate(median(puts->raw)),
       .mark = ">= 30 k/s",
       .reached = median(puts->ours) >= 30e3,
       .n = puts->n,
       .conditions = "200 B values; raw = ROUTER echo of the request, nothing synced; " + describe(*puts)});
  return {};
}

Outcome drive(Bench& bench, const std::string& what, const std::string& endpoint, std::size_t window) {
  const bool many = what.rfind("connections-", 0) == 0;
  const std::string op = many ? what.substr(what.find('-') + 1) : what;
  if (auto loaded = bench.load(endpoint, bench.keys()); !loaded) return loaded;
  auto stream = op == "get"      ? RequestStream::gets(bench.keys(), bench.options().seed)
                : op == "spread" ? RequestStream::spread_transactions(bench.keys(), 100)
                                 : RequestStream::puts(bench.keys(), bench.options().seed);
  const auto figures = one_turn(bench, run_closed_loop,
                                {.endpoint = {}, .connections = many ? 50U : 1U, .window = many ? 1 : window},
                                endpoint, true, std::move(stream));
  if (!figures) return tl::unexpected(figures.error());
  bench.note(fmt::format("{}: {} ({} overloaded)", what, print(rate(figures->rate())), figures->overloaded));
  return {};
}

}  // namespace prismbus::perf
