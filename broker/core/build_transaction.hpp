// From a judged write to the transaction that everybody after it shares: seqs, versions, figures, and each
// change set encoded once, as it is journaled and published; the values of secret namespaces sealed besides,
// as they are journaled. Bus thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/core/judge.hpp"
#include "broker/core/lane_plan.hpp"
#include "broker/core/rule_book.hpp"
#include "proto/seal/value_seal.hpp"
#include "proto/wire/codec/stream.hpp"

namespace prismbus {

struct TransactionPlace {
  Epoch epoch;
  Revision rev;
  Wall time{};
  std::string_view by;
  Steady now{};  // for lane changes
};

class TransactionBuilder {
 public:
  // `rules` outlives this. No `master`: security is off, and nothing is secret.
  TransactionBuilder(const RuleBook& rules, const std::optional<StreamKey>& master);

  // Linear in the changes, but for sorting them by namespace. Errors: internal (a stored record is corrupt).
  [[nodiscard]] Result<TransactionPtr> build(const WriteIntent& intent, const Judged& judged,
                                             const TransactionPlace& place, Ledger& ledger, LanePlan& lanes);

 private:
  void group(const WriteIntent& intent);
  void fill(StoredSet& set, std::span<const std::uint32_t> items, const WriteIntent& intent,
            const Judged& judged, const TransactionPlace& place);
  void seal_values(StoredSet& set, Revision rev);

  const RuleBook& rules_;
  std::optional<ValueSealer> sealer_;

  // Of the transaction under way; kept for their memory.
  std::vector<std::uint32_t> items_;  // indexes into `do`, by namespace, then in `do` order
  std::vector<codec::ChangeView> views_;
  std::vector<codec::ChangeOffsets> offsets_;
};

}  // namespace prismbus
