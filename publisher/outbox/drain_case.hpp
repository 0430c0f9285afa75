// One queued write on its way to the broker: what to ask next, what the answer means, what became of it.
// Pure: no clock, no disk, no socket; one thread. Its owner sends request(), hands the reply to
// answer(), stores a fresh request id when it wants one, and settles it at the end.
//   nothing attempted ............................ write, on condition of the base revision
//   attempted once, under 30 minutes ago ......... write again under the same request id (not when the clock
//                                                  was set back since: how long ago is not known then)
//   attempted otherwise .......................... look for it in the `history` of a key it wrote; there =
//   done not there, or `conflict`, or another history . read theirs; unchanged = write on condition of that;
//   else
//                                                  the policy (which may need the base: read it too)
// D1: nothing is sent under a request id that is not stored. D2: no request id is sent later than 30 minutes
// after its first attempt. D3: what is not applied as it was called is told with its value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/wire/messages.hpp"
#include "publisher/outbox/outbox_store.hpp"

namespace prismbus {

class DrainCase {
 public:
  enum class Want : std::uint8_t {
    ask,      // send request()
    attempt,  // store a fresh request id in record(), then attempted()
    settled,  // outcome() and own() are final
  };
  enum class Next : std::uint8_t {
    go_on,   // see want()
    later,   // the broker cannot now: begin() again after a while
    rejoin,  // its history is another one: begin() again once that was greeted
  };

  // `own`: of each step, what our last write of its key became. `options` outlives it.
  DrainCase(OutboxRecord record, std::vector<std::optional<OutboxStore::Own>> own,
            const OutboxOptions& options);

  // Starts, or starts again, with the broker that has this history.
  void begin(Epoch epoch, Wall now);
  [[nodiscard]] Want want() const;
  [[nodiscard]] RequestBody request() const;  // lends from this
  [[nodiscard]] OutboxRecord& record() { return record_; }
  [[nodiscard]] bool wants_session() const { return fresh_session_; }
  [[nodiscard]] OutboxAttempt next_attempt(Wall now) const;  // without its request id
  void attempted();
  [[nodiscard]] Next answer(const ReplyHeader& reply);
  [[nodiscard]] const OutboxOutcome& outcome() const { return outcome_; }
  [[nodiscard]] std::vector<OutboxStore::Own> own() const;

 private:
  enum class Phase : std::uint8_t { look, theirs, base, write, done };
  struct StepState {
    std::optional<Revision> base;              // in force: the record's, or that of our own last write
    std::optional<std::string> called_before;  // base value, when our last write was applied otherwise
    bool after_merged = false, called_known = false;
    std::optional<Entry> theirs;
    bool conflict = false, base_known = false;
    std::optional<std::string> base_value;
    std::optional<std::string> write;  // nullopt = remove
    bool write_known = true;           // false: an attempt that was merged was found, and not by this key
    bool skip = false;                 // it is there already
    std::optional<Revision> expected;
    [[nodiscard]] MaybeValue theirs_value() const {
      return theirs ? MaybeValue(theirs->value) : MaybeValue();
    }
  };

  [[nodiscard]] Next on_history(const ReplyHeader& reply);
  [[nodiscard]] Next on_theirs(const ReplyHeader& reply);
  [[nodiscard]] Next on_base(const ReplyHeader& reply);
  [[nodiscard]] Next on_written(const ReplyHeader& reply);
  [[nodiscard]] Next refuse(const Error& error);
  void look();
  [[nodiscard]] bool look_on();
  [[nodiscard]] bool looked_far_enough(const KeyVersion& oldest) const;
  void read_theirs();
  void judge();
  void seek_base();
  void resolve();
  bool resolve_step(std::size_t i);
  void write_resolved();
  void write_as_called();
  void settle(OutboxOutcome::Kind kind, std::string message);
  void reject(ErrorCode code, std::string message);
  [[nodiscard]] MaybeValue ours(std::size_t i) const;

  OutboxRecord record_;
  const OutboxOptions& options_;
  std::vector<StepState> steps_;
  std::vector<std::optional<OutboxStore::Own>> before_;
  Phase phase_ = Phase::done;
  Epoch epoch_;
  std::size_t at_ = 0;                // step being read
  std::optional<std::string> after_;  // cursor of history
  std::size_t pages_ = 0;
  std::size_t looked_ = 0;    // attempt whose step's history is read
  bool times_usable_ = true;  // false: our clock was set back since the write was called
  bool needs_attempt_ = false, fresh_session_ = false, merged_ = false, other_history_ = false;
  OutboxOutcome outcome_;
};

}  // namespace prismbus
