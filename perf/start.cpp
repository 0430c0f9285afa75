// Benchmark: from exec to the first get answered, with a million keys folded and a full unfolded tail to
// replay, after a SIGKILL. Fold is held back by settings, so that every run finds the same tail.
#include <fmt/format.h>
#include <lmdb.h>

#include <algorithm>
#include <thread>

#include "perf/bench.hpp"
#include "perf/broker_status.hpp"
#include "perf/closed_loop.hpp"
#include "perf/zmtp_peer.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;

// Keeps the broker from folding: LMDB has one writer per environment, and here it is us.
class FoldHeldBack {
 public:
  explicit FoldHeldBack(const std::string& state_dir) {
    held_ = mdb_env_create(&env_) == 0 && mdb_env_set_maxdbs(env_, 32) == 0 &&
            mdb_env_set_mapsize(env_, std::size_t{64} << 30) == 0 &&
            mdb_env_open(env_, state_dir.c_str(), MDB_NOTLS, 0600) == 0 &&
            mdb_txn_begin(env_, nullptr, 0, &txn_) == 0;
  }
  ~FoldHeldBack() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
    mdb_env_close(env_);
  }
  FoldHeldBack(const FoldHeldBack&) = delete;
  FoldHeldBack& operator=(const FoldHeldBack&) = delete;
  [[nodiscard]] bool held() const { return held_; }

 private:
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  bool held_ = false;
};

// Puts over random keys until the broker says that its recent changes are full.
Outcome fill_recent(const Bench& bench, const ServerProcess& broker, const KeySpace& space) {
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

namespace {

// A million keys, all of them folded into the state; gives the endpoint the broker had.
Result<std::string, std::string> prepare_state(const Bench& bench, const KeySpace& space) {
  auto broker = bench.start_broker("start");
  if (!broker) return tl::unexpected(broker.error());
  const std::string endpoint = broker->requests();
  bench.note(fmt::format("loading {} keys", space.keys));
  if (auto loaded = bench.load(endpoint, space); !loaded) return tl::unexpected(loaded.error());
  for (const auto give_up = Clock::now() + std::chrono::minutes(2); Clock::now() < give_up;) {
    auto status = broker_status(endpoint);
    if (!status) return tl::unexpected(status.error());
    if ((*status)["recent_changes"] == 0) return endpoint;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return tl::unexpected(std::string("the broker did not fold what was loaded"));
}

// Kills the broker with `recent` full.
Outcome fill_and_kill(const Bench& bench, const KeySpace& space) {
  auto broker = bench.start_broker("start");
  if (!broker) return tl::unexpected(broker.error());
  const FoldHeldBack fold(bench.scratch() + "/start/state");
  if (!fold.held()) return tl::unexpected(std::string("the state's writer lock was not to be had"));
  if (auto filled = fill_recent(bench, *broker, space); !filled) return filled;
  broker->kill();
  return {};
}

}  // namespace

Outcome bench_start(Bench& bench) {
  const bool tiny = bench.options().tiny;
  const KeySpace space{.ns = "perf.market", .keys = tiny ? 2'000U : 1'000'000U};
  const auto endpoint = prepare_state(bench, space);
  if (!endpoint) return tl::unexpected(endpoint.error());
  if (auto killed = fill_and_kill(bench, space); !killed) return killed;
  std::vector<double> seconds, cpu_seconds;
  double least_tail = 1e18;
  auto gets = RequestStream::gets(space, bench.options().seed);
  for (int run = 0; run < (tiny ? 2 : 15); ++run) {
    std::string framed;
    gets.next(framed);
    const auto before = Clock::now();
    auto broker = ServerProcess::spawn(bench.broker_command("start", *endpoint), bench.scratch() + "/start");
    if (!broker) return tl::unexpected(broker.error());
    if (auto answered = first_answer(*endpoint, framed, std::chrono::seconds(20)); !answered) return answered;
    seconds.push_back(std::chrono::duration<double>(Clock::now() - before).count());
    // The main thread's: replay and start-up, without what fold does meanwhile.
    const auto cpu = broker->cpu_times()["prismbusd"];
    cpu_seconds.push_back(std::chrono::duration<double>(cpu).count());
    auto status = broker_status(*endpoint);
    broker->kill();
    if (!status) return tl::unexpected(status.error());
    least_tail = std::min(least_tail, (*status)["recent_changes"]);
    bench.note(fmt::format("run {}: {:.0f} ms, CPU of the main thread {:.0f} ms, tail {:.0f} changes",
                           run + 1, seconds.back() * 1e3, cpu_seconds.back() * 1e3,
                           (*status)["recent_changes"]));
  }
  const double worst = *std::max_element(seconds.begin(), seconds.end());
  bench.report(
      {.name = fmt::format("start after SIGKILL: exec to first get answered, worst of {}", seconds.size()),
       .ours = Figure{Figure::Unit::time, worst},
       .mark = "< 250 ms",
       .reached = worst < 0.25,
       .n = seconds.size(),
       .conditions = fmt::format("{} keys folded, an unfolded tail of at least {:.0f} changes replayed each "
                                 "time; median {}, of it CPU time of the main thread {}",
                                 space.keys, least_tail, print(Figure{Figure::Unit::time, median(seconds)}),
                                 print(Figure{Figure::Unit::time, median(cpu_seconds)}))});
  return {};
}

}  // namespace prismbus::perf
