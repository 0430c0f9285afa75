// Carries a journal record over into another history. Change sets are kept as they go on the wire, and there
// they begin with their epoch: a restored journal that still said the old one would send every subscriber
// that catches up away. Only that number is replaced; what else a set holds stays byte for byte.
#pragma once

#include "broker/store/transaction.hpp"

namespace prismbus {

// A copy of `txn` whose change sets carry `epoch`. Error: internal (a set does not begin with an epoch).
[[nodiscard]] Result<TransactionPtr> with_epoch(const StoredTransaction& txn, Epoch epoch);

// The epoch an encoded change set carries; nullopt when it does not begin with one.
[[nodiscard]] std::optional<Epoch> epoch_of_set(std::string_view encoded);

}  // namespace prismbus
