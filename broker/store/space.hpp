// How much room the store has. LMDB's files never shrink, so what is free is what the file system has free
// plus the pages inside the files that may be written again. A quota of our own and a floor of free space in
// the file system decide when the store is full for new values; room is kept for what has to go on then:
// folding what is applied already, deletes, and (below the floor) retention's trims. It heals by itself:
// every reading judges anew.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "proto/base/bounded_queue.hpp"
#include "proto/base/clock.hpp"
#include "proto/base/lmdb.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

struct SpaceSettings {
  std::uint64_t quota = 0;  // bytes of pages in use, both environments together; 0 = none
  std::uint64_t floor = 0;  // bytes that stay free in the file system
};

// One look at the disk.
struct SpaceReading {
  std::uint64_t free = 0;                                  // in the file system, for us
  std::uint64_t journal_file = 0, state_file = 0;          // as large as they are
  std::uint64_t journal_reusable = 0, state_reusable = 0;  // pages inside that hold nothing
  [[nodiscard]] std::uint64_t used() const {
    return journal_file + state_file - journal_reusable - state_reusable;
  }
};

// Looks, every 200 ms, from a thread that serves nobody; tells the bus.
class SpaceAgent {
 public:
  static constexpr std::chrono::milliseconds kInterval{200};
  SpaceAgent(std::shared_ptr<lmdb::Env> journal, std::shared_ptr<lmdb::Env> state,
             BoundedQueue<SpaceReading>& out);
  // Returns 1 when it looked. What cannot be read (a failing disk ends the broker elsewhere) is left out.
  std::size_t step(Now now);

 private:
  const std::shared_ptr<lmdb::Env> journal_, state_;
  lmdb::ReadTxn journal_txn_, state_txn_;
  BoundedQueue<SpaceReading>& out_;
  Steady next_{};
};
// nullopt when the disk does not say.
[[nodiscard]] std::optional<SpaceReading> read_space(const lmdb::Env& journal, lmdb::ReadTxn& journal_txn,
                                                     const lmdb::Env& state, lmdb::ReadTxn& state_txn);

// The judgement, on the bus. Pure. Open until the first reading.
class SpaceGate {
 public:
  explicit SpaceGate(SpaceSettings settings) : settings_(settings) {}
  void set(SpaceSettings settings) { settings_ = settings; }
  [[nodiscard]] const SpaceSettings& settings() const { return settings_; }
  void take(const SpaceReading& reading);
  void spend(std::uint64_t bytes);  // of a write that was let in since

  // What is applied or on its way and not folded yet has to find room in the state, whatever else happens.
  struct Unfolded {
    std::uint64_t changes = 0, bytes = 0;
  };
  // May a write of that size, as memory_bytes counts it, go in? One of deletes only may use the room that is
  // kept for them. Errors: read_only, saying what is full and by how much; overloaded: what was let in since
  // the last look or waits for its fold may have filled the rest, the next look will tell.
  [[nodiscard]] Result<void> admit(std::uint64_t bytes, bool deletes_only, Unfolded unfolded) const;
  // By the last look alone: a value of 64 KiB finds no room.
  [[nodiscard]] bool full() const { return lack_of_room(kForValues + kOneWrite).has_value(); }
  [[nodiscard]] const std::optional<SpaceReading>& reading() const { return reading_; }

 private:
  [[nodiscard]] std::uint64_t reserve(Unfolded unfolded) const;
  // What has no room for so much; nullopt = there is.
  [[nodiscard]] std::optional<std::string> lack_of_room(std::uint64_t needs) const;
  static constexpr std::uint64_t kLeastKeep = 1u << 20;    // for meta pages, sessions, a fold of nothing much
  static constexpr std::uint64_t kDeletesKeep = 4u << 20;  // for deletes when nothing else may be written
  static constexpr std::uint64_t kForValues = kLeastKeep + kDeletesKeep;
  static constexpr std::uint64_t kOneWrite = 256u << 10;  // of 64 KiB
  SpaceSettings settings_;
  std::optional<SpaceReading> reading_;
  std::uint64_t spent_ = 0, spent_before_ = 0;  // since the last reading came, and since the one before
};

}  // namespace prismbus
