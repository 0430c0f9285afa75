// Benchmark: from exec to the first get answered, with a million keys folded and a full unfolded tail to
// replay, after a SIGKILL. Fold is held back by settings, so that every run finds the same tail.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "perf/bench.hpp"
#include "perf/broker_status.hpp"
#include "perf/closed_loop.hpp"
#include "perf/zmtp_peer.hpp"
#include "proto/wire/codec/reply.hpp"
#include "proto/wire/codec/request.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;

const std::vector<std::string> kFoldHeldBack{"--fold-changes-min", "100000000", "--fold-wait-ms", "3600000"};

// Puts over random keys until the broker says that its recent changes are full.
Outcome fill_recent(const Bench& bench, const ServerProcess& broker, const KeySpace& space, double& tail) {
  for (int i = 0; i < 100; ++i) {
    auto stream = RequestStream::puts(space, bench.options().seed + static_cast<std::uint64_t>(i));
    const auto figures = run_closed_loop(
        {.endpoint = broker.requests(),
         .connections = 1,
         .window = 1000,
         .warm_up = std::chrono::milliseconds(0),
         .measure = bench.options().tiny ? std::chrono::milliseconds(200) : std::chrono::milliseconds(1000)},
        stream);
    if (!figures) return tl::unexpected(figures.error());
    if (figures->failed > 0) return tl::unexpected("filling: " + figures->first_failure);
    tail += static_cast<double>(figures->fine);
    if (figures->overloaded > 0 || bench.options().tiny) return {};
  }
  return tl::unexpected(std::string("the broker never said that it is full: is fold held back?"));
}

// Keeps knocking until a get is answered; the fraction of a millisecond between knocks is in the result.
Result<void, std::string> first_answer(const std::string& endpoint, const std::string& framed_get,
                                       std::chrono::seconds at_most) {
  const auto give_up = Clock::now() + at_most;
  while (Clock::now() < give_up) {
    auto peer = ZmtpPeer::connect(endpoint, ZmtpPeer::Role::dealer, at_most);
    if (!peer) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    if (!peer->send(framed_get)) continue;
    Verdict verdict = Verdict::failed;
    std::string why;
    std::size_t answers = 0;
    while (answers == 0 && Clock::now() < give_up) {
      if (!peer->receive(ZmtpPeer::Wait::yes, [&](std::string_view reply) {
            verdict = judge_reply(reply, why);
            ++answers;
          })) {
        break;
      }
    }
    if (answers > 0)
      return verdict == Verdict::fine ? Result<void, std::string>{} : tl::unexpected("get: " + why);
  }
  return tl::unexpected(endpoint + ": no get was answered");
}

}  // namespace

Outcome bench_start(Bench& bench) {
  const bool tiny = bench.options().tiny;
  const KeySpace space{.ns = "perf.market", .keys = tiny ? 2'000U : 1'000'000U};
  std::string endpoint;
  {
    auto broker = bench.start_broker("start");
    if (!broker) return tl::unexpected(broker.error());
    endpoint = broker->requests();
    bench.note(fmt::format("loading {} keys", space.keys));
    if (auto loaded = bench.load(endpoint, space); !loaded) return loaded;
    const auto give_up = Clock::now() + std::chrono::minutes(2);
    for (auto status = broker_status(endpoint);
         status && (*status)["recent_changes"] > 0 && Clock::now() < give_up;
         status = broker_status(endpoint)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    broker->stop();
  }
  double tail = 0;
  {
    auto broker = bench.start_broker("start", kFoldHeldBack);
    if (!broker) return tl::unexpected(broker.error());
    if (auto filled = fill_recent(bench, *broker, space, tail); !filled) return filled;
    broker->kill();
  }
  std::vector<double> seconds;
  auto gets = RequestStream::gets(space, bench.options().seed);
  auto argv = bench.broker_command("start", endpoint);
  argv.insert(argv.end(), kFoldHeldBack.begin(), kFoldHeldBack.end());
  for (int run = 0; run < (tiny ? 2 : 15); ++run) {
    std::string framed;
    gets.next(framed);
    const auto before = Clock::now();
    auto broker = ServerProcess::spawn(argv, bench.scratch() + "/start");
    if (!broker) return tl::unexpected(broker.error());
    if (auto answered = first_answer(endpoint, framed, std::chrono::seconds(20)); !answered) return answered;
    seconds.push_back(std::chrono::duration<double>(Clock::now() - before).count());
    broker->kill();
  }
  const double worst = *std::max_element(seconds.begin(), seconds.end());
  bench.report(
      {.name = fmt::format("start after SIGKILL: exec to first get answered, worst of {}", seconds.size()),
       .ours = Figure{Figure::Unit::time, worst},
       .raw = {},
       .mark = "< 250 ms",
       .reached = worst < 0.25,
       .n = seconds.size(),
       .conditions =
           fmt::format("{} keys folded, {:.0f} changes in the unfolded tail (recent full); median {}",
                       space.keys, tail, print(Figure{Figure::Unit::time, median(seconds)}))});
  return {};
}

}  // namespace prismbus::perf
