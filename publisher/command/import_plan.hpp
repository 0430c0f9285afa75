// What an import writes, worked out before anything is written. Pure, any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "publisher/command/documents/difference.hpp"
#include "publisher/command/failure.hpp"
#include "publisher/transaction.hpp"

namespace prismbus::command {

struct ImportPlan {
  std::vector<Difference> changes;  // to be written, in key order
  std::size_t added = 0, changed = 0, removed = 0;
  std::size_t unchanged = 0;  // in both, equal: not written again
  std::size_t kept = 0;       // only at the broker, and without --prune left there
};

enum class Prune : bool { no, yes };
enum class Nesting : bool { flat, by_slashes };

// With Nesting::by_slashes refused (Exit::usage) when the outcome would hold a key below another one (`a`,
// `a/b`), which is what happens when a value became a map and the old one is not pruned: it could not be
// exported as a document.
[[nodiscard]] Outcome<ImportPlan> plan_import(const std::map<std::string, Current>& current,
                                              const KeyValues& wanted, Prune prune, Nesting nesting);

struct TransactionLimits {
  std::size_t changes = 0, bytes = 0;
};

// As few transactions as the limits allow, in key order; each requires the revisions that were compared. One
// change over the limit alone is a transaction of its own: the broker says why it refuses it.
[[nodiscard]] std::vector<Transaction> cut_into_transactions(std::string_view ns,
                                                             const std::vector<Difference>& changes,
                                                             TransactionLimits limits);

}  // namespace prismbus::command
