// The hallway alone, in one thread, in nanoseconds an operation; hidden: core_test "[.bench]" of a release
// build. The disk is memory-backed files: what a sync costs is not measured here.
#include <time.h>

#include <iostream>

#include "proto/wire/codec/request.hpp"
#include "tests/model/fake_broker.hpp"
#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

struct NullDoor final : ReplySink, Feed {
  std::uint64_t replies = 0, bytes = 0, frames = 0;
  void reply(const ReplyTo&, std::string payload) override {
    ++replies;
    bytes += payload.size();
  }
  void publish(Lane, std::string) override { ++frames; }
};

// Processor time of this thread: what else runs on the machine does not count.
class Stopwatch {
 public:
  template <class Work>
  void time(Work work) {
    const double start = now();
    work();
    spent_ += now() - start;
  }
  [[nodiscard]] double per(std::uint64_t n) const { return spent_ / static_cast<double>(n); }

 private:
  static double now() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec);
  }
  double spent_ = 0;
};

struct Bench {
  Bench() {
    settings.dir = scratch.path() + "/data";
    settings.map_bytes = std::size_t{4} << 30;
    broker.emplace(settings, journal_disk, state_disk, door, door);
    for (int i = 0; i < 10'000; ++i) keys.push_back("bybit/BTCUSDT/risk/limit-" + std::to_string(i));
  }
  std::string put(std::size_t i) const {
    PutRequest put{spaces[i % 8], keys[i % keys.size()], value, {}, {}};
    return codec::encode_request({{false, i}, {}, {}, put});
  }
  void tick() { now.steady += std::chrono::milliseconds(1); }

  testing::Scratch scratch;
  model::FakeBrokerSettings settings;
  model::FakeDisk journal_disk, state_disk;
  NullDoor door;
  std::optional<model::FakeBroker> broker;
  Now now{Steady(std::chrono::hours(1)), Wall(std::chrono::hours(500'000))};
  const ReplyTo from{ConnectionId(7), "peer1", {}};
  const std::vector<std::string> spaces{"venue.a", "venue.b", "venue.c", "venue.d",
                                        "venue.e", "venue.f", "venue.g", "venue.h"};
  std::vector<std::string> keys;
  const std::string value = "\xd9\x64" + std::string(100, 'v');
};

}  // namespace

TEST_CASE("what a put costs in each room, and a get", "[.bench]") {
  constexpr std::size_t kPuts = 400'000, kBatch = 1000, kGets = 1'000'000;
  Bench bench;
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < 50'000; ++i) requests.push_back(bench.put(i * 7919));
  Stopwatch intake, journal, commit, fold, forget;
  for (std::size_t done = 0; done < kPuts; done += kBatch) {
    bench.tick();
    intake.time([&] {
      for (std::size_t i = 0; i < kBatch; ++i) {
        bench.broker->pipeline.on_request(bench.from, requests[(done + i) % requests.size()], bench.now);
      }
    });
    bench.broker->pipeline.flush(bench.now);
    journal.time([&] { bench.broker->journal.step(bench.now); });
    commit.time([&] {
      bench.broker->pipeline.step(bench.now);
      bench.broker->pipeline.step(bench.now);
    });
    fold.time([&] { bench.broker->fold.step(bench.now); });
  }
  CHECK(bench.door.replies == kPuts);
  std::cout << "put: intake " << intake.per(kPuts) << " ns, journal " << journal.per(kPuts)
            << " ns, apply+publish+reply " << commit.per(kPuts) << " ns, fold " << fold.per(kPuts) << " ns ("
            << bench.door.frames << " frames)\n";

  const auto gets = [&](const char* what) {
    std::vector<std::string> payloads;
    for (std::size_t i = 0; i < 50'000; ++i) {
      const std::size_t k = i * 7919;
      payloads.push_back(codec::encode_request(
          {{false, i}, {}, {}, GetRequest{bench.spaces[k % 8], bench.keys[k % bench.keys.size()], {}}}));
    }
    Stopwatch watch;
    watch.time([&] {
      for (std::size_t i = 0; i < kGets; ++i)
        bench.broker->pipeline.on_request(bench.from, payloads[i % payloads.size()], bench.now);
    });
    std::cout << "get " << what << ": " << watch.per(kGets) << " ns, " << 1e9 / watch.per(kGets) << "/s\n";
  };
  gets("from recent and state");
  bench.now.steady += std::chrono::seconds(10);
  for (int i = 0; i < 1000; ++i) {
    bench.broker->fold.step(bench.now);
    bench.broker->pipeline.step(bench.now);
  }
  gets("from state");
}

}  // namespace prismbus
