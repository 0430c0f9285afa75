// authorise: may this write come in at all. Rights first, then what the broker's own namespaces take: of them
// clients write `_system.policy` and `_system.revoked`, and what is no rule is refused. Whether there is room
// is write_room.hpp; judging it against the state comes after (judge.hpp). Bus thread.
#pragma once

#include "broker/core/ledger.hpp"
#include "broker/core/pending.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/write_intent.hpp"

namespace prismbus {

class WriteGate {
 public:
  // All outlive this. `secured`: whether there is a key that values could be sealed with.
  WriteGate(const RuleBook& rules, const Pending& pending, Ledger& ledger, bool secured)
      : rules_(rules), pending_(pending), ledger_(ledger), secured_(secured) {}

  // Errors: permission_denied, unsupported (a namespace of the broker's own), rejected (a rule), internal.
  [[nodiscard]] Result<void> pass(const Principal& principal, const WriteIntent& intent);
  // Rules are changed one transaction at a time, and who changes them has to be left with admin on
  // everything: then nobody locks everybody out by accident. Asked once the items of a rollback are known.
  // Errors: rejected, overloaded.
  [[nodiscard]] Result<void> leaves_an_admin(const Principal& principal, const WriteIntent& intent) const;

 private:
  [[nodiscard]] Result<void> authorise(const Principal& principal, const WriteIntent& intent);
  [[nodiscard]] Result<void> validate_rules(const WriteIntent& intent);

  const RuleBook& rules_;
  const Pending& pending_;
  Ledger& ledger_;
  const bool secured_;
};

}  // namespace prismbus
