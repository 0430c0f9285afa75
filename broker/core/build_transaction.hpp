// From a judged write to the transaction that everybody after it shares: seqs, versions, figures, and each
// change set encoded once, as it is journaled and published. Bus thread.
#pragma once

#include <string_view>

#include "broker/core/judge.hpp"

namespace prismbus {

struct TransactionPlace {
  Epoch epoch;
  Revision rev;
  Wall time{};
  std::string_view by;
};

// Errors: internal (a stored record is corrupt).
[[nodiscard]] Result<TransactionPtr> build_transaction(const WriteIntent& intent, const Judged& judged,
                                                       const TransactionPlace& place, Ledger& ledger);

}  // namespace prismbus
