// Benchmark: the storm after a restart with security on. Thousands of followers, each a CURVE connection for
// requests and one for the stream, with a token of its own; the broker is killed and comes back at the same
// ports. From its ready file until the last of them was greeted and hears the stream again.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "perf/bench.hpp"
#include "perf/follower_crowd.hpp"

namespace prismbus::perf {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kProcesses = 2;  // a follower takes four descriptors, and a process has 20,000
constexpr std::chrono::seconds kJoinDeadline{120}, kReadyDeadline{30};
// Not of the range that connections get their own port from: one that asks a port nobody listens on may be
// given just that port, connect to itself, and keep the broker from it.
constexpr int kFirstPort = 17'400, kPortsTried = 20;

// What a process of followers said last, and how often it said that all of them have joined.
struct Joined {
  std::size_t times = 0, followers = 0;
  Clock::time_point at{};
  std::uint64_t moves = 0;
};

Joined joined_by(const std::string& log) {
  Joined joined;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::int64_t ns = 0;
    if (!(words >> joined.followers >> ns >> joined.moves)) continue;
    joined.at = Clock::time_point(std::chrono::nanoseconds(ns));
    ++joined.times;
  }
  return joined;
}

// A broker that stands at the same two ports again after each start.
class Restarted {
 public:
  Restarted(const Bench& bench, const SecurityDirectory& security) : bench_(bench), security_(security) {}

  Outcome start() {
    Outcome started = tl::unexpected(std::string("no port was tried"));
    const int tries = broker_ ? 1 : kPortsTried;
    for (int i = 0; i < tries && !started; ++i) {
      if (!broker_) port_ = kFirstPort + 2 * i;
      started = start_at_port();
    }
    return started;
  }
  void kill() { broker_->kill(); }
  [[nodiscard]] const ServerProcess& process() const { return *broker_; }

 private:
  Outcome start_at_port() {
    const auto endpoint = [this](int offset) { return fmt::format("tcp://127.0.0.1:{}", port_ + offset); };
    auto argv = bench_.broker_command("reconnects", endpoint(0), endpoint(1));
    argv.insert(argv.end(), {"--security", security_.path()});
    auto started = ServerProcess::start(std::move(argv), bench_.scratch() + "/reconnects", kReadyDeadline);
    if (!started) return tl::unexpected(started.error());
    broker_ = std::make_unique<ServerProcess>(std::move(*started));
    return {};
  }

  const Bench& bench_;
  const SecurityDirectory& security_;
  int port_ = 0;
  std::unique_ptr<ServerProcess> broker_;
};

class Crowds {
 public:
  // Starts them, each with its share of `tokens`.
  Outcome start(const Bench& bench, const SecurityDirectory& security, const std::string& requests,
                const std::vector<std::string>& tokens) {
    for (std::size_t i = 0; i < kProcesses; ++i) {
      const std::string stem = fmt::format("{}/followers-{}", bench.scratch(), i);
      const std::string file = fmt::format("{}/followers-{}.tokens", security.path(), i);
      std::ofstream out(file);
      for (std::size_t at = i; at < tokens.size(); at += kProcesses) out << tokens[at] << '\n';
      out.close();
      auto process =
          ServerProcess::spawn({bench.options().self, "followers", "--requests", requests, "--server-key",
                                security.credentials().server_key, "--tokens", file},
                               stem);
      if (!process) return tl::unexpected(process.error());
      processes_.push_back(std::move(*process));
      logs_.push_back(stem + ".log");
    }
    return {};
  }
  // Until each has said `times` times that all of it has joined; the last one's.
  [[nodiscard]] Result<Joined, std::string> wait(std::size_t times) const {
    Joined last;
    for (const std::string& log : logs_) {
      Joined joined;
      for (const auto give_up = Clock::now() + kJoinDeadline; joined.times < times;) {
        if (Clock::now() > give_up) return tl::unexpected(std::string("not all followers joined"));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        joined = joined_by(log);
      }
      last.at = std::max(last.at, joined.at);
      last.followers += joined.followers;
      last.moves += joined.moves;
    }
    return last;
  }

 private:
  std::vector<ServerProcess> processes_;
  std::vector<std::string> logs_;
};

}  // namespace

Outcome bench_reconnects(Bench& bench) {
  const std::size_t followers = bench.options().tiny ? 20 : 5'000;
  const int storms = bench.options().tiny ? 1 : bench.options().rounds;
  auto security = bench.secure("reconnects");
  if (!security) return tl::unexpected(security.error());
  const auto tokens = security->tokens(followers, std::string(FollowerCrowd::kNamespace));
  if (!tokens) return tl::unexpected(tokens.error());
  Restarted broker(bench, *security);
  if (auto started = broker.start(); !started) return started;
  const auto begun = Clock::now();
  Crowds crowds;
  if (auto started = crowds.start(bench, *security, broker.process().requests(), *tokens); !started)
    return started;
  auto joined = crowds.wait(1);
  if (!joined) return tl::unexpected(joined.error());
  const auto first = joined->at - begun;
  std::vector<double> seconds;
  std::string cpu;
  double memory = 0;
  for (int storm = 0; storm < storms; ++storm) {
    const std::uint64_t moves = joined->moves;
    broker.kill();
    if (auto started = broker.start(); !started) return started;
    const auto ready = Clock::now();
    joined = crowds.wait(static_cast<std::size_t>(storm) + 2);
    if (!joined) return tl::unexpected(joined.error());
    seconds.push_back(std::chrono::duration<double>(joined->at - ready).count());
    cpu =
        describe_cpu({}, broker.process().cpu_times(), Clock::now() - ready, static_cast<double>(followers));
    memory = static_cast<double>(broker.process().resident_bytes());
    bench.note(fmt::format("storm {}: {:.2f} s, {} given up for a new connection meanwhile; {}", storm + 1,
                           seconds.back(), joined->moves - moves, cpu));
  }
  const double worst = *std::max_element(seconds.begin(), seconds.end());
  bench.report(
      {.name = fmt::format("{} CURVE followers back after SIGKILL, ready to the last one, worst of {}",
                           followers, seconds.size()),
       .ours = Figure{Figure::Unit::time, worst},
       .mark = "< 30 s",
       .reached = worst < 30,
       .n = followers * seconds.size(),
       .conditions = fmt::format(
           "each a request connection of the library and a SUB, both CURVE, and a token of its own; greeted "
           "and "
           "a barrier heard; {} processes of followers on the same cores, which look every 100 ms; default "
           "settings; median {}; the first join {}; broker {:.0f} MiB; {} (of a follower)",
           kProcesses, print(Figure{Figure::Unit::time, median(seconds)}), print(duration(first)),
           memory / (1 << 20), cpu)});
  return {};
}

}  // namespace prismbus::perf
