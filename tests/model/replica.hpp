// A subscriber as the contract describes it (sections 5 and 6): snapshot, then changes, then the stream. Its
// network loses nothing, so a hole in what it hears is the broker's (I3, I6); what it holds is compared with
// the reference at its own seqs (I5, I11). Of another history it takes nothing but a whole snapshot.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "tests/model/stream_check.hpp"
#include "tests/model/world.hpp"

namespace prismbus::model {

class Replica {
 public:
  // Follows `under` and everything below it ("" = all), or, with `exactly`, that namespace alone.
  Replica(World& world, StreamCheck& stream, std::string under, bool exactly);
  Replica(const Replica&) = delete;

  void step();           // sends its next request, if it has one to send
  void after_restart();  // its connections were re-made; or it did not notice, and hears another history
  void compare() const;  // with the reference; does nothing while it is joining
  [[nodiscard]] bool live() const { return phase_ == Phase::live && epoch_ == world_.epoch; }
  [[nodiscard]] std::uint64_t resyncs() const { return resyncs_; }  // because the history was another

 private:
  enum class Phase : std::uint8_t { snapshot, changes, live };
  struct Row {
    std::string value;
    std::uint64_t rev = 0, version = 0;
  };
  [[nodiscard]] bool follows(const std::string& ns) const;
  void hear(const NamedSet& set);
  void apply(const NamedSet& set, bool from_stream);
  void ask_snapshot();
  void ask_changes();
  void begin_anew();
  void fail(const ReplyHeader& header);
  void take_chunk(const SnapshotReply& chunk, std::uint64_t rev);
  void take_changes(const ChangesReply& changes, std::uint64_t rev);
  void check_chunk(const SnapshotReply& chunk, std::uint64_t rev);

  World& world_;
  const std::string under_;
  const bool exactly_;
  Phase phase_ = Phase::snapshot;
  std::optional<Epoch> epoch_;  // of what it holds; sent with everything that rests on that
  std::uint64_t resyncs_ = 0;
  bool waiting_ = false;
  std::optional<std::string> cursor_;
  std::uint64_t first_rev_ = 0, chunk_rev_ = 0, synced_rev_ = 0;
  std::map<std::pair<std::string, std::string>, Row> rows_;
  std::map<std::string, std::uint64_t> seqs_;
  std::pair<std::string, std::string> last_;  // of the snapshot's entries
  std::deque<NamedSet> heard_;
};

}  // namespace prismbus::model
