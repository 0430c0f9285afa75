// SIGKILL while the cache, plain or encrypted, is written: a child appends and renews files without an end
// and tells every finished write through a pipe; it is killed at a random point. What a later start reads is
// each namespace at a seq that was told or the one after (a write that finished and was not told yet): never
// older, never mixed, never torn into something else (I5). PRISMBUS_KILLS says how many (the long form:
// 2,000), PRISMBUS_SEED where it begins.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <memory>

#include "proto/base/hash.hpp"
#include "subscriber/cache/cache_loader.hpp"
#include "tests/unit/subscriber/cache_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

constexpr std::uint64_t kKills = 60, kSeed = 4'000, kKillsPerWorld = 20, kStepsPerWrite = 3;
const Epoch kEpoch(5);
const Wall kSeen = from_micros(9'000'000);

struct Report {  // one finished write
  std::uint32_t index = 0;
  std::uint64_t seq = 0;
};

// The same seq always brings the same change: child and parent need not talk about it.
CacheStep next_step(CachedNamespace& n, std::uint64_t seed) {
  std::mt19937_64 random(seed ^ xxh3_64(n.ns) ^ n.copy.seq.value());
  return n.step(random, kSeen);
}

struct World {
  World(std::uint64_t s, bool encrypted) : seed(s), key(encrypted ? key_of(scratch, s) : nullptr) {
    for (const char* ns : {"fees", "fees.spot", "limits"}) {
      all.emplace_back(ns, kEpoch);
      (void)next_step(all.back(), seed);
    }
  }
  std::uint64_t seed;
  CacheScratch scratch;
  const std::unique_ptr<const CacheKey> key;
  std::deque<CachedNamespace> all;
};

// The child: goes on from what stands on the disk. Never returns.
[[noreturn]] void write_until_killed(World& world, std::uint64_t seed, int pipe) {
  auto directory = CacheDirectory::open(world.scratch.cache()).value();
  if (!directory.writer()) ::_exit(3);
  CacheWriter writer(directory, world.key.get());
  CacheFindings found = load_cache(directory, directory.names(), world.key.get());
  for (const cache::Loaded& loaded : found.namespaces) writer.adopt(loaded);
  std::mt19937_64 random(seed);
  for (;;) {
    const auto index = static_cast<std::uint32_t>(random() % world.all.size());
    CachedNamespace& n = world.all[index];
    std::vector<CacheStep> steps;
    for (std::uint64_t i = random() % kStepsPerWrite + 1; i > 0; --i)
      steps.push_back(next_step(n, world.seed));
    const bool fits = random() % 6 != 0 && writer.append(n.ns, steps).value_or(false);
    if (!fits && !n.write_picture(writer, kSeen)) ::_exit(4);
    const Report report{index, n.copy.seq.value()};
    if (::write(pipe, &report, sizeof report) != static_cast<ssize_t>(sizeof report)) ::_exit(5);
  }
}

// Lets a child write, kills it, and gives the seq it told last of each namespace.
std::array<std::uint64_t, 3> run_and_kill(World& world, std::mt19937_64& random) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const std::uint64_t child_seed = random();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    write_until_killed(world, child_seed, ends[1]);
  }
  ::close(ends[1]);
  std::array<std::uint64_t, 3> told{};
  Report report;
  const auto take = [&] {
    if (::read(ends[0], &report, sizeof report) != static_cast<ssize_t>(sizeof report)) return false;
    told[report.index] = report.seq;
    return true;
  };
  for (std::uint64_t writes = random() % 30; writes > 0; --writes) REQUIRE(take());
  for (volatile std::uint64_t spin = random() % 400'000; spin > 0;) spin = spin - 1;
  REQUIRE(::kill(child, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  while (take()) {
  }
  ::close(ends[0]);
  return told;
}

// What is on the disk now; the model follows it. Gives how many files ended torn.
std::uint64_t check(World& world, const std::array<std::uint64_t, 3>& told) {
  const auto directory = CacheDirectory::open(world.scratch.cache()).value();
  CacheFindings found = load_cache(directory, directory.names(), world.key.get());
  REQUIRE(found.dropped.empty());
  std::array<bool, 3> there{};
  for (cache::Loaded& loaded : found.namespaces) {
    const auto n =
        std::find_if(world.all.begin(), world.all.end(), [&](auto& x) { return x.ns == loaded.ns; });
    const auto index = static_cast<std::size_t>(n - world.all.begin());
    there[index] = true;
    const std::uint64_t before = std::max(told[index], n->copy.seq.value()), seq = loaded.copy.seq.value();
    REQUIRE(seq >= told[index]);
    REQUIRE(seq <= before + kStepsPerWrite);
    while (n->copy.seq.value() < seq) (void)next_step(*n, world.seed);
    REQUIRE(content_of(loaded.copy) == n->at_seq.at(seq));
    n->at_seq.erase(n->at_seq.begin(), n->at_seq.find(n->copy.seq.value()));
    release(loaded.copy);
  }
  for (std::size_t i = 0; i < told.size(); ++i) REQUIRE((there[i] || told[i] == 0));
  return found.torn.size();
}

}  // namespace

TEST_CASE(
    "a cache whose writer is killed at any point holds the old or the new state of each namespace (I5)") {
  const std::uint64_t kills = number_from("PRISMBUS_KILLS", kKills),
                      seed = number_from("PRISMBUS_SEED", kSeed);
  std::uint64_t torn = 0, told_of = 0;
  std::unique_ptr<World> world;
  for (std::uint64_t i = 0; i < kills; ++i) {
    INFO("kill " << i << " of PRISMBUS_SEED=" << seed << " PRISMBUS_KILLS=" << kills);
    if (i % kKillsPerWorld == 0) world = std::make_unique<World>(seed + i, i / kKillsPerWorld % 2 == 1);
    std::mt19937_64 random(seed * 1'000'003 + i);
    const auto told = run_and_kill(*world, random);
    torn += check(*world, told);
    for (const std::uint64_t seq : told) told_of += seq != 0 ? 1 : 0;
  }
  std::printf(
      "cache kills: %llu, half of them of encrypted ones, seed %llu: %llu files torn and cut to their last "
      "whole set, 0 wrong, 0 lost\n",
      static_cast<unsigned long long>(kills), static_cast<unsigned long long>(seed),
      static_cast<unsigned long long>(torn));
  CHECK(told_of > 0);
}
