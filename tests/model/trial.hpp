// One seeded run: random requests, random steps of the broker's agents in any order, a disk that fails, a
// broker that is killed and comes back; at the end all is healed, every request is answered, and the broker,
// its disk and every follower equal the reference.
#pragma once

#include <memory>
#include <string>
#include <vector>

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
  void restart();
  void recover();
  void drain();
  void settle();
  void burst();
  void finish();
  [[nodiscard]] ChangesReply ask_recovered();

  World world_;
  StreamCheck stream_;
  Writes writes_;
  Reads reads_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  Tally tally_;
};

}  // namespace prismbus::model
