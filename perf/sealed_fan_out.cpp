// Benchmark: what sealing costs fan-out: a broker with security on, its stream sealed but not by CURVE as
// well, beside one without security, both to ten receivers that open nothing. The two shapes of fan_out, and
// the one that sealing costs most, where each set travels in a frame of its own. Requests of a broker with
// security are always encrypted; in the shapes of big transactions that weighs little, where a put is a
// transaction much.
#include <fmt/format.h>

#include <fstream>
#include <vector>

#include "broker/security/security_files.hpp"
#include "perf/bench.hpp"
#include "perf/fan_out_run.hpp"
#include "perf/sealed_sets.hpp"
#include "perf/zmq_asker.hpp"

namespace prismbus::perf {
namespace {

struct Shape {
  std::string name;
  std::size_t window;
  std::uint64_t events;
  std::function<RequestStream()> make;
  bool marked;
};

std::vector<Shape> shapes_of(const Bench& bench) {
  const KeySpace hundred_each{.ns = bench.keys().ns, .keys = 100},
      thousand_each{.ns = bench.keys().ns, .keys = 1000};
  return {{"a transaction over 100 namespaces", 16, 100,
           [=] { return RequestStream::spread_transactions(thousand_each, 100); }, true},
          {"a put a transaction", 1000, 1,
           [=, &bench] { return RequestStream::puts(bench.keys(), bench.options().seed); }, false},
          {"one transaction at a time over 1,000", 1, 1000,
           [=] { return RequestStream::spread_transactions(hundred_each, 1000); }, false}};
}

struct Side {
  const ServerProcess& broker;
  Credentials credentials{};
  const KeyTree* keys = nullptr;  // null: not sealed
  std::vector<double> rates{};
  FanOutTurn last{};
  std::uint64_t deliveries = 0, lost = 0;
};

Outcome run_side(const Bench& bench, Side& side, const Shape& shape, StreamReceivers::Kind receivers) {
  RequestStream stream = shape.make();
  CountSets count = sets_in;
  if (side.keys != nullptr) {
    count = [sealed = std::make_shared<SealedSets>(*side.keys)](std::string_view frame) {
      return sealed->count(frame);
    };
  }
  auto turn = fan_out_turn(side.broker,
                           {.requests = side.broker.requests(),
                            .changes = side.broker.changes(),
                            .topic_prefix = bench.keys().ns,
                            .window = shape.window,
                            .events = shape.events,
                            .next_payload = [&] { return stream.next_payload(); },
                            .receivers = receivers,
                            .asker = FanOutSource::Asker::libzmq,
                            .credentials = side.credentials,
                            .count_sets = std::move(count)},
                           bench.options().warm_up, bench.options().measure);
  if (!turn) return tl::unexpected(turn.error());
  side.rates.push_back(turn->figures.deliveries_per_second);
  side.deliveries += turn->figures.deliveries;
  side.lost += turn->figures.lost;
  side.last = std::move(*turn);
  return {};
}

std::string describe(const FanOutTurn& turn) {
  const FanOutFigures& figures = turn.figures;
  return fmt::format("{:.0f} B and {:.2f} frames an event, {}", figures.bytes_per_event,
                     figures.frames_per_second / figures.deliveries_per_second, turn.cpu);
}

// The sides are given anew for each row: they gather its figures.
Outcome one_row(Bench& bench, const Shape& shape, StreamReceivers::Kind receivers, Side sealed, Side open) {
  for (int round = 0; round < bench.options().rounds; ++round) {
    for (Side* side : {&open, &sealed}) {
      if (auto done = run_side(bench, *side, shape, receivers); !done) return done;
    }
    bench.note(fmt::format("round {}: sealed {}, not sealed {}", round + 1, print(rate(sealed.rates.back())),
                           print(rate(open.rates.back()))));
  }
  const std::uint64_t lost = sealed.lost + open.lost;
  if (lost > 0) return tl::unexpected(fmt::format("{} deliveries were lost", lost));
  const bool libzmq = receivers == StreamReceivers::Kind::libzmq;
  const double ours = median(sealed.rates), raw = median(open.rates);
  bench.report(
      {.name = fmt::format("sealed fan-out to 10{}: {}", libzmq ? "" : " raw receivers", shape.name),
       .ours = rate(ours),
       .raw = rate(raw),
       .mark = shape.marked ? ">= 85 %" : "",
       .reached = shape.marked ? std::optional(ours >= 0.85 * raw) : std::nullopt,
       .n = sealed.deliveries,
       .conditions = fmt::format("window {}, by a libzmq DEALER, sealed: with CURVE and token; to {} "
                                 "that open nothing; sealed: {} (of a set, for all ten); raw = not "
                                 "sealed: {}; 0 lost",
                                 shape.window, libzmq ? "libzmq SUB sockets" : "raw ZMTP receivers",
                                 describe(sealed.last), describe(open.last))});
  return {};
}

}  // namespace

Outcome bench_sealed_fan_out(Bench& bench) {
  auto security = bench.secure("fan-out");
  if (!security) return tl::unexpected(security.error());
  const auto files = SecurityFiles::load(security->path());
  if (!files) return tl::unexpected(files.error().message);
  const std::string settings = bench.scratch() + "/sealed-fan-out.toml";
  std::ofstream(settings) << "stream_curve = false\n";
  auto sealed = bench.start_secured("sealed-fan-out", *security, {"--config", settings});
  if (!sealed) return tl::unexpected(sealed.error());
  auto open = bench.start_broker("open-fan-out");
  if (!open) return tl::unexpected(open.error());
  const auto asker = ZmqAsker::connect(sealed->requests(), security->credentials());
  if (!asker) return tl::unexpected(asker.error());
  const KeyTree keys(files->stream_master, asker->epoch());
  for (const Shape& shape : shapes_of(bench)) {
    for (const auto receivers : {StreamReceivers::Kind::libzmq, StreamReceivers::Kind::zmtp}) {
      const Side secured{.broker = *sealed, .credentials = security->credentials(), .keys = &keys};
      if (auto done = one_row(bench, shape, receivers, secured, {.broker = *open}); !done) return done;
    }
  }
  return {};
}

}  // namespace prismbus::perf
