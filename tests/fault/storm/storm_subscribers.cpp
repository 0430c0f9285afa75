// Many subscribers in one process, each the real library with threads and sockets of its own; storm_test.py
// starts several of these and stops one. Answers commands on its standard input with one line each:
//   live SECONDS          -> live COUNT            once all are live
//   equal FILE SECONDS    -> equal COUNT MS        once all show every "ns seq hash" of the file
//   latency               -> latency P50 P99 N     in us, of the clock's changes since the last asking
//   figures               -> figures JOINS RESYNCS
// The clock is one key whose value is when it was sent (CLOCK_MONOTONIC, ns): one machine, one clock.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "subscriber/subscriber.hpp"

namespace {

using namespace prismbus;
using Clock = std::chrono::steady_clock;

struct Latencies {
  std::mutex mutex;
  std::vector<std::int64_t> ns;
};

struct Crowd {
  Latencies latencies;
  std::vector<std::unique_ptr<Subscriber>> members;

  void join(const std::string& broker, std::size_t count, const std::vector<std::string>& names,
            const std::string& clock) {
    for (std::size_t i = 0; i < count; ++i) {
      SubscriberOptions options;
      options.brokers = {broker};
      options.namespaces = names;
      options.callbacks.changed = [this, clock](const ChangeEvent& event) {
        if (event.ns != clock || event.resync) return;
        const auto sent = event.after->as<std::int64_t>();
        if (!sent) return;
        const std::int64_t took = Clock::now().time_since_epoch().count() - *sent;
        const std::lock_guard lock(latencies.mutex);
        latencies.ns.push_back(took);
      };
      auto subscriber = Subscriber::open(std::move(options));
      if (!subscriber) throw std::runtime_error(subscriber.error().message);
      members.push_back(std::move(*subscriber));
    }
  }

  std::string live(double seconds) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    std::size_t count = 0;
    for (const auto& member : members) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      count += member->wait_live(std::max(left, std::chrono::milliseconds(0))) ? 1 : 0;
    }
    return fmt::format("live {}", count);
  }

  std::string equal(const std::string& path, double seconds) {
    const auto start = Clock::now();
    std::ifstream file(path);
    struct Head {
      std::string ns;
      std::uint64_t seq, hash;
    };
    std::vector<Head> heads;
    for (Head head; file >> head.ns >> head.seq >> head.hash;) heads.push_back(head);
    const auto agrees = [&](const Subscriber& member) {
      const View view = member.view();
      return std::all_of(heads.begin(), heads.end(), [&](const Head& head) {
        return view.seq(head.ns) == Seq(head.seq) && view.hash(head.ns) == head.hash;
      });
    };
    const auto end = start + std::chrono::duration<double>(seconds);
    std::size_t count = 0;
    for (const auto& member : members) {
      while (!agrees(*member) && Clock::now() < end) {
        (void)member->wait_seq(heads.back().ns, Seq(heads.back().seq + 1), std::chrono::milliseconds(10));
      }
      count += agrees(*member) ? 1 : 0;
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    return fmt::format("equal {} {}", count, took.count());
  }

  std::string latency() {
    std::vector<std::int64_t> ns;
    {
      const std::lock_guard lock(latencies.mutex);
      ns.swap(latencies.ns);
    }
    std::sort(ns.begin(), ns.end());
    const auto at = [&](double q) {
      return ns.empty() ? 0 : ns[static_cast<std::size_t>(q * static_cast<double>(ns.size() - 1))] / 1000;
    };
    return fmt::format("latency {} {} {}", at(0.5), at(0.99), ns.size());
  }

  std::string figures() {
    std::uint64_t joins = 0, resyncs = 0;
    for (const auto& member : members) {
      const SubscriberStatus status = member->status();
      joins += status.joins;
      resyncs += status.resyncs;
    }
    return fmt::format("figures {} {}", joins, resyncs);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::cerr << "usage: storm_subscribers BROKER COUNT CLOCK NAMESPACE...\n";
    return 2;
  }
  std::vector<std::string> names(argv + 4, argv + argc);
  names.emplace_back(argv[3]);
  Crowd crowd;
  crowd.join(argv[1], std::stoul(argv[2]), names, argv[3]);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, path;
    double seconds = 0;
    words >> command;
    if (command == "live" && words >> seconds) {
      std::cout << crowd.live(seconds) << std::endl;
    } else if (command == "equal" && words >> path >> seconds) {
      std::cout << crowd.equal(path, seconds) << std::endl;
    } else if (command == "latency") {
      std::cout << crowd.latency() << std::endl;
    } else if (command == "figures") {
      std::cout << crowd.figures() << std::endl;
    } else {
      std::cout << "what" << std::endl;
    }
  }
  return 0;
}
