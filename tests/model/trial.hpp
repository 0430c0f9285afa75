// One seeded run: random requests, random steps of the broker's agents in any order, a disk that fails, a
// broker that is killed and comes back, on its own data, on a backup's or on a rebuilt state; at the end all
// is healed, every request is answered, and the broker, its disk and every follower equal the reference.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/model/care.hpp"
#include "tests/model/reads.hpp"
#include "tests/model/replica.hpp"
#include "tests/model/stream_check.hpp"
#include "tests/model/world.hpp"
#include "tests/model/writes.hpp"

namespace prismbus::model {

struct Tally {
  std::uint64_t requests = 0, writes = 0, pages = 0, markers = 0, restarts = 0, recovered = 0, faults = 0;
  std::uint64_t trimmed = 0;    // journal records
  std::uint64_t compacted = 0;  // answers
  std::uint64_t backups = 0, restores = 0, rebuilds = 0, refused_rebuilds = 0, resyncs = 0;
};

class Trial {
 public:
  // `dir` does not exist yet.
  Trial(std::uint64_t seed, std::string dir, bool tracing);
  Tally run();  // throws Violation

 private:
  void act();
  void step_broker();
  void bus_step();
  void let_time_pass();
  void meet_disk();
  // What happens to the data while no broker runs.
  enum class Between : std::uint8_t { nothing, restore, rebuild };
  [[nodiscard]] Between random_between();
  void restart(Between between = Between::nothing);
  void recover(bool restored);
  void check_recovered(Between between);
  void take_write();
  void drain();
  void settle();
  void burst();
  void finish();
  [[nodiscard]] ChangesReply ask_recovered();

  World world_;
  StreamCheck stream_;
  Writes writes_;
  Reads reads_;
  Care care_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  Tally tally_;
};

}  // namespace prismbus::model
