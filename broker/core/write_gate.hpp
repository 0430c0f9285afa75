// authorise: may this write come in at all. Rights first, then what the broker's own namespaces take: of them
// only `_system.policy` is written by clients, and what is no policy is refused. Whether there is room is
// write_room.hpp; judging it against the state comes after (judge.hpp). Bus thread.
#pragma once

#include "broker/core/ledger.hpp"
#include "broker/core/ports.hpp"
#include "broker/core/write_intent.hpp"

namespace prismbus {

class WriteGate {
 public:
  // Both outlive this.
  WriteGate(Authoriser& authoriser, Ledger& ledger) : authoriser_(authoriser), ledger_(ledger) {}

  // Errors: permission_denied, unsupported (a namespace of the broker's own), rejected (a policy), internal.
  [[nodiscard]] Result<void> pass(const Principal& principal, const WriteIntent& intent);

 private:
  [[nodiscard]] Result<void> authorise(const Principal& principal, const WriteIntent& intent);
  [[nodiscard]] Result<void> validate_policy(const WriteIntent& intent);

  Authoriser& authoriser_;
  Ledger& ledger_;
};

}  // namespace prismbus
