// Random damage to a cache directory, plain or encrypted: whatever is done to a file, what is read is a state
// that the namespace had in the newest history, or nothing, and never a crash; afterwards the cache can be
// written again.
// PRISMBUS_DAMAGES says how many (the long form: 10,000), PRISMBUS_SEED where the run begins.
#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <filesystem>

#include "subscriber/cache/cache_loader.hpp"
#include "tests/unit/subscriber/cache_samples.hpp"

using namespace prismbus;
using namespace prismbus::test;

namespace {

constexpr std::uint64_t kDamages = 600, kSeed = 20'260;
const std::array<std::string, 3> kNames{"fees", "fees.spot", "limits"};
const Epoch kEpoch(77), kOldEpoch(11);
const Wall kOld = from_micros(1'000'000), kNew = from_micros(2'000'000), kNewer = from_micros(3'000'000);

struct World {
  World(std::mt19937_64& random, bool encrypted) : key(encrypted ? key_of(scratch, 1) : nullptr) {
    for (const std::string& ns : kNames) all.emplace_back(ns, kEpoch);
    auto directory = CacheDirectory::open(scratch.cache()).value();
    CacheWriter writer(directory, key.get());
    for (CachedNamespace& n : all) {
      fill(writer, n, random);
      older[n.ns] = slurp(scratch.file(n.ns));
      fill(writer, n, random);
    }
  }
  static void fill(CacheWriter& writer, CachedNamespace& n, std::mt19937_64& random) {
    for (std::uint64_t i = random() % 20 + 1; i > 0; --i) (void)n.step(random, kNew);
    REQUIRE(n.write_picture(writer, kNew));
    std::vector<CacheStep> steps;
    for (std::uint64_t i = random() % 20; i > 0; --i) steps.push_back(n.step(random, kNew));
    REQUIRE(writer.append(n.ns, steps).value());
  }
  CachedNamespace& named(const std::string& ns) {
    return *std::find_if(all.begin(), all.end(), [&](const auto& n) { return n.ns == ns; });
  }
  CacheScratch scratch;
  const std::unique_ptr<const CacheKey> key;
  std::deque<CachedNamespace> all;
  std::map<std::string, std::string> older;  // each file before it was written anew
};

// A file of the namespace from elsewhere, as it would be found there.
void put_foreign(World& world, const std::string& ns, Epoch epoch, Wall seen, const CacheKey* key,
                 std::mt19937_64& random) {
  CacheScratch elsewhere;
  auto directory = CacheDirectory::open(elsewhere.cache()).value();
  CacheWriter writer(directory, key);
  CachedNamespace foreign(ns, epoch);
  for (int i = 0; i < 8; ++i) (void)foreign.step(random, seen);
  REQUIRE(foreign.write_picture(writer, seen));
  spill(world.scratch.file(ns), slurp(elsewhere.file(ns)));
}

void flip(std::string& bytes, std::mt19937_64& random) {
  for (std::uint64_t n = random() % 4 + 1; n > 0; --n) {
    char& byte = bytes[random() % bytes.size()];
    byte = static_cast<char>(byte ^ (1 << random() % 8));
  }
}

// Damages one file; says how.
std::string damage(World& world, const std::string& ns, std::mt19937_64& random) {
  const std::string path = world.scratch.file(ns);
  std::string bytes = slurp(path);
  const std::size_t at = random() % bytes.size(), size = random() % (bytes.size() - at) + 1;
  const std::string& other = kNames[random() % kNames.size()];
  switch (random() % 12) {
    case 0:
      flip(bytes, random);
      spill(path, bytes);
      return "flip";
    case 1:
      spill(path, bytes.substr(0, at));
      return "truncate";
    case 2:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, '\0');
      spill(path, bytes);
      return "zero";
    case 3:
      spill(path, slurp(world.scratch.file(other)));
      return "swapped namespace: " + other;
    case 4:
      put_foreign(world, ns, kOldEpoch, kOld, world.key.get(), random);
      return "old epoch";
    case 5:
      std::filesystem::rename(path, world.scratch.path() + "/elsewhere");
      std::filesystem::create_symlink(world.scratch.path() + "/elsewhere", path);
      return "symlink";
    case 6:
      if (::geteuid() == 0) {
        REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
        return "foreign owner";
      }
      REQUIRE(::chmod(path.c_str(), 0622) == 0);
      return "writable by others";
    case 7:
      spill(path, bytes.substr(0, at) + bytes.substr(at + size));
      return "cut out";
    case 8:
      spill(path, bytes.substr(0, at + size) + bytes.substr(at));
      return "doubled";
    case 9: {
      const std::string& older = world.older.at(ns);
      spill(path, older.substr(0, std::min(at, older.size())) + bytes.substr(at));
      return "spliced with its own past";
    }
    case 10: {  // newer than all there is, but for the key
      const auto wrong = random() % 2 == 0 || world.key == nullptr ? key_of(world.scratch, 2) : nullptr;
      put_foreign(world, ns, kEpoch, kNewer, wrong.get(), random);
      return wrong ? "another key" : "not encrypted";
    }
    default:
      std::filesystem::remove(path);
      REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
      return "a pipe";
  }
}

// What is there now; the writer goes on from it and every namespace moves once more.
void check_and_mend(World& world, const std::string& hurt, std::mt19937_64& random) {
  auto directory = CacheDirectory::open(world.scratch.cache()).value();
  CacheWriter writer(directory, world.key.get());
  CacheFindings found = load_cache(directory, directory.names(), world.key.get());
  for (cache::Loaded& loaded : found.namespaces) {
    const CachedNamespace& n = world.named(loaded.ns);
    const auto state = n.at_seq.find(loaded.copy.seq.value());
    REQUIRE(loaded.epoch == kEpoch);
    REQUIRE(loaded.seen <= kNew);
    REQUIRE(state != n.at_seq.end());
    REQUIRE(content_of(loaded.copy) == state->second);
    if (loaded.ns != hurt) REQUIRE(loaded.copy.seq == n.copy.seq);
    writer.adopt(loaded);
    release(loaded.copy);
  }
  for (CachedNamespace& n : world.all) {
    const bool fits = writer.append(n.ns, {n.step(random, kNew)}).value();
    if (!fits) REQUIRE(n.write_picture(writer, kNew));
  }
  found = load_cache(directory, directory.names(), world.key.get());
  REQUIRE(found.namespaces.size() == kNames.size());
  for (cache::Loaded& loaded : found.namespaces) {
    const CachedNamespace& n = world.named(loaded.ns);
    REQUIRE(loaded.whole);
    REQUIRE(content_of(loaded.copy) == n.at_seq.at(n.copy.seq.value()));
    release(loaded.copy);
  }
}

}  // namespace

TEST_CASE("a damaged cache gives a state the namespace had in this history, or nothing (I5)") {
  const std::uint64_t damages = number_from("PRISMBUS_DAMAGES", kDamages);
  const std::uint64_t seed = number_from("PRISMBUS_SEED", kSeed);
  std::map<std::string, std::uint64_t> kinds;
  for (std::uint64_t i = 0; i < damages; ++i) {
    INFO("PRISMBUS_SEED=" << seed + i << " PRISMBUS_DAMAGES=1");
    std::mt19937_64 random(seed + i);
    World world(random, (seed + i) % 2 == 1);
    const std::string& hurt = kNames[random() % kNames.size()];
    const std::string how = damage(world, hurt, random);
    INFO(how << " of " << hurt);
    ++kinds[how.substr(0, how.find(':'))];
    check_and_mend(world, hurt, random);
  }
  std::printf("cache damages: %llu, half of them encrypted, seed %llu:",
              static_cast<unsigned long long>(damages), static_cast<unsigned long long>(seed));
  for (const auto& [kind, n] : kinds)
    std::printf(" %s %llu,", kind.c_str(), static_cast<unsigned long long>(n));
  std::printf(" none wrong\n");
}
