// The bus side of a rollback: sends it to the reader until its plan is complete, holds the plan against the
// ledger, and makes the writes of it that the hallway then judges, sequences and answers like any other. Bus
// thread.
#pragma once

#include <memory>
#include <variant>

#include "broker/core/asked.hpp"
#include "broker/core/fate_desk.hpp"
#include "broker/core/judge.hpp"
#include "broker/core/read_desk.hpp"
#include "broker/core/rollback_plan.hpp"
#include "broker/core/waiting_room.hpp"
#include "broker/core/write_intent.hpp"

namespace prismbus {

// What to do with a rollback now.
struct ItemsReady {};  // they are in the intent: judge and sequence it
struct WithReader {};  // it comes back
struct NothingDiffers {
  RollbackReply reply;
  Revision rests_on;  // as in Refused
};
using RollbackVerdict = std::variant<ItemsReady, WithReader, NothingDiffers, Refused, MustWait>;

class RollbackDesk {
 public:
  // All outlive this.
  RollbackDesk(ReadDesk& reads, Ledger& ledger, const Pending& pending, WaitingRoom& waiting, FateDesk& fates)
      : reads_(reads), ledger_(ledger), pending_(pending), waiting_(waiting), fates_(fates) {}

  // `intent.rollback` is set. True: its items are in the intent, lent from the plan. False: it comes back, or
  // was answered: compacted, too_large (`size` = how many changes or bytes), overloaded (no room, or kTries
  // plans came too late), internal, or that nothing differs.
  [[nodiscard]] bool has_items(const Asked& asked, WriteIntent& intent, Revision applied);

  // A plan is late only if somebody wrote to its namespace in the moment the reader took to catch up.
  static constexpr unsigned kTries = 16;

 private:
  // The first time, and whenever the namespace moved on while the reader planned, it is sent to the reader;
  // `asked.plan` is what came back.
  [[nodiscard]] RollbackVerdict plan(const Asked& asked, WriteIntent& intent, Revision applied);
  [[nodiscard]] RollbackVerdict send(const Asked& asked, std::string_view ns, RollbackWork work);

  ReadDesk& reads_;
  Ledger& ledger_;
  const Pending& pending_;
  WaitingRoom& waiting_;
  FateDesk& fates_;
};

}  // namespace prismbus
