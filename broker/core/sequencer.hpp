// Who gives transactions their place in the order and makes them durable. local: this broker's counter and
// the journal's sync; later etcd and upstream. Called on the bus thread; nothing here blocks.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/core/journal_meter.hpp"
#include "broker/store/transaction.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

enum class CommitFailure : std::uint8_t {
  clean,    // nothing of it is there: answered read_only
  unknown,  // it may be there: answered timeout; the process has to end
};

struct Progress {
  Revision durable;                      // everything up to here is
  std::optional<CommitFailure> failure;  // everything after `durable` that was submitted was dropped
};

class Sequencer {
 public:
  virtual ~Sequencer() = default;
  // May a write of about `bytes` enter now? Errors: read_only, overloaded (with retry_after_ms).
  [[nodiscard]] virtual Result<void> admit(std::size_t bytes) const = 0;
  [[nodiscard]] virtual Revision next() const = 0;  // the revision the next submitted transaction gets
  virtual void submit(TransactionPtr txn) = 0;      // its rev is next()
  // Starts a commit of what was gathered, if none is under way (group commit without a timer).
  virtual void flush(Now now) = 0;
  // What came back since the last call; nullopt = nothing.
  [[nodiscard]] virtual std::optional<Progress> poll(Now now) = 0;
  [[nodiscard]] virtual bool read_only() const = 0;
  [[nodiscard]] virtual const JournalMeter& journal_meter() const = 0;
  [[nodiscard]] virtual Steady next_deadline(Now now) const = 0;
};

}  // namespace prismbus
