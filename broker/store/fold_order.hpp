// The changes of a fold in the two orders it writes them: by revision (history) and by disk key (head).
// Sorting 100,000 changes that lie all over memory would be a large part of a fold: their keys are copied
// side by side, and the eight bytes behind what all of them begin with decide most comparisons.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/store/transaction.hpp"
#include "broker/store/version_links.hpp"

namespace prismbus {

struct FoldChange {
  const StoredTransaction* txn = nullptr;
  const StoredSet* set = nullptr;
  const StoredChange* change = nullptr;
  VersionLinks links;  // filled in by the fold
};

class FoldOrder {
 public:
  // Lends from `batch`.
  explicit FoldOrder(std::span<const TransactionPtr> batch);

  // By (revision, ns, key).
  [[nodiscard]] std::vector<FoldChange>& by_revision() { return changes_; }

  struct Key {
    std::uint64_t prefix = 0;  // the first bytes behind the common ones, as a number
    std::uint32_t at = 0, size = 0;
    std::uint32_t index = 0;  // in by_revision()
  };
  // By (ns, key, revision).
  [[nodiscard]] const std::vector<Key>& by_key() const { return keys_; }
  [[nodiscard]] std::string_view head_key(const Key& key) const {
    return std::string_view(arena_).substr(key.at, key.size);
  }

 private:
  void gather(std::span<const TransactionPtr> batch);
  void fill_prefixes();

  std::vector<FoldChange> changes_;
  std::vector<Key> keys_;
  std::string arena_;  // disk keys of head, one behind the other
};

}  // namespace prismbus
