// What validation may know of a key or a namespace: the newest of pending, recent and state, in that order.
// Bus thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/core/pending.hpp"
#include "broker/store/recent.hpp"
#include "broker/store/state.hpp"

namespace prismbus {

struct KeyFact {
  bool live = false;
  Revision rev;      // of its last write; 0 when it is not live
  Revision created;  // 0 when it is not live
  std::uint64_t version = 0;
  std::uint64_t value_bytes = 0;
  Revision rests_on;  // the pending revision this is known from; 0 = it is durable
};

struct NamespaceFact {
  Seq seq;
  NamespaceFigures figures;
  Lane lane = Lane::changes;  // of its last set
};

class Ledger {
 public:
  Ledger(Pending& pending, const Recent& recent, StateReader& state)
      : pending_(pending), recent_(recent), state_(state) {}
  // Errors: internal (a stored record is corrupt).
  [[nodiscard]] Result<KeyFact> find(std::string_view ns, std::string_view key);
  [[nodiscard]] Result<NamespaceFact> find_namespace(std::string_view ns);
  // As applied: what is pending is left out. nullopt = it never had a transaction.
  [[nodiscard]] Result<std::optional<Head>> find_applied_head(std::string_view ns);

 private:
  Pending& pending_;
  const Recent& recent_;
  StateReader& state_;
};

}  // namespace prismbus
