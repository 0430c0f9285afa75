// Holds the change stream against the reference: what is published is durable (I2), in seq order without a
// hole (I3), what the reference says it is, and complete once its writes are acknowledged.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/codec/stream.hpp"
#include "tests/model/world.hpp"

namespace prismbus::model {

using NamedSet = std::pair<std::string, ChangeSet>;

class StreamCheck final : public StreamEar {
 public:
  explicit StreamCheck(World& world) : world_(world) {}

  // The sets that were published for a revision, in namespace order; each revision once.
  [[nodiscard]] std::vector<NamedSet> take(std::uint64_t rev);
  void after_step() const;  // all that was published is acknowledged
  void after_restart();     // the stream goes on from the heads; what was recovered is not on it
  void expect_barrier(std::string topic) { barrier_ = std::move(topic); }
  [[nodiscard]] bool barrier_came() const { return barrier_.empty(); }

  // Each set that is published, for whoever follows the stream.
  std::vector<std::function<void(const NamedSet&)>> followers;
  std::uint64_t markers = 0, heartbeats = 0;

 private:
  void hear(Lane lane, const std::string& frame) override;
  void hear_set(const std::string& ns, ChangeSet set);
  void hear_marker(const std::string& ns, const ChangeSet& marker);

  World& world_;
  std::map<std::uint64_t, std::vector<NamedSet>> unacknowledged_;  // by revision
  std::map<std::string, std::uint64_t> published_;                 // seq, by namespace
  std::string barrier_;
};

// Demands that `sets` are exactly what the reference says that revision did.
void demand_sets(const World& world, std::uint64_t rev, const std::vector<NamedSet>& sets);

}  // namespace prismbus::model
