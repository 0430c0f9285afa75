// The whole broker against a reference, thousands of seeded runs in one thread, through restarts, backups,
// restores and rebuilds: I1, I2, I3, I5, I6, I7, I8, I9, I11.
//   PRISMBUS_RUNS=50000  as many runs (default 4,000; 50,000 with PRISMBUS_FULL)
//   PRISMBUS_SEED=17     that run only, told step by step on stderr
#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <string>

#include "tests/model/trial.hpp"

namespace prismbus::model {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

// In memory-backed files: what fails in these runs fails by FakeDisk.
class Scratch {
 public:
  Scratch() {
    std::string name = "/dev/shm/prismbus_model_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no scratch directory in /dev/shm");
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string run(std::uint64_t seed) const { return path_ + "/" + std::to_string(seed); }

 private:
  std::string path_;
};

void add(Tally& sum, const Tally& one) {
  sum.requests += one.requests;
  sum.writes += one.writes;
  sum.pages += one.pages;
  sum.markers += one.markers;
  sum.restarts += one.restarts;
  sum.recovered += one.recovered;
  sum.faults += one.faults;
  sum.trimmed += one.trimmed;
  sum.compacted += one.compacted;
  sum.backups += one.backups;
  sum.restores += one.restores;
  sum.rebuilds += one.rebuilds;
  sum.refused_rebuilds += one.refused_rebuilds;
  sum.resyncs += one.resyncs;
}

}  // namespace

TEST_CASE(
    "random runs: every answer, frame, restart and restore agrees with the reference (I1 I2 I3 I5 I6 I7 I8 "
    "I9 I11)") {
  const Scratch scratch;
  const std::uint64_t chosen = number_from("PRISMBUS_SEED", 0);
  const std::uint64_t first = chosen != 0 ? chosen : 1;
  const std::uint64_t usual = std::getenv("PRISMBUS_FULL") == nullptr ? 4000 : 50'000;
  const std::uint64_t runs = chosen != 0 ? 1 : number_from("PRISMBUS_RUNS", usual);
  Tally sum;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    try {
      Trial trial(seed, scratch.run(seed), chosen != 0);
      add(sum, trial.run());
    } catch (const std::exception& violation) {
      FAIL("PRISMBUS_SEED=" << seed << ": " << violation.what());
    }
    std::filesystem::remove_all(scratch.run(seed));
  }
  std::cout << "model: seeds " << first << ".." << first + runs - 1 << ": " << sum.requests << " answers, "
            << sum.writes << " transactions, " << sum.pages << " pages, " << sum.markers << " markers, "
            << sum.restarts << " restarts, " << sum.recovered << " recovered, " << sum.faults
            << " disk faults, " << sum.trimmed << " records trimmed, " << sum.compacted << " compacted, "
            << sum.backups << " backups, " << sum.restores << " restores, " << sum.rebuilds
            << " rebuilds and " << sum.refused_rebuilds << " refused, " << sum.resyncs
            << " followers sent to the new history\n";
  CHECK(sum.writes > 0);
}

}  // namespace prismbus::model
