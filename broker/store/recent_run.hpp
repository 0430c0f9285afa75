// The pieces of recent that threads share: chunks (consecutive transactions, as they came) and runs (the
// same, sorted). Both are immutable once made. Sealing is sorting chunks into a run; runs are merged like
// digits that carry:
//
//   runs of changes, oldest first   8192 5000 900 30     sealing 40 more:   8192 5000 900 30 40
//   30 <= 2 * 40: merged                                                    8192 5000 900 70
//
// A run keeps of each key its newest change only, deletes included (they hide what is older), and every
// change set.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "broker/store/recent.hpp"

namespace prismbus {

struct RecentSnapshot::Chunk {
  struct Logged {
    TransactionPtr txn;
    // Running totals of recent, this transaction included: what a drop up to here takes away.
    std::uint64_t changes_total = 0, bytes_total = 0;
  };
  std::vector<Logged> log;  // never empty once shared
  std::size_t changes = 0;

  [[nodiscard]] Revision first() const { return log.front().txn->rev; }
  [[nodiscard]] Revision last() const { return log.back().txn->rev; }
};

struct RecentSnapshot::Run {
  struct Item {
    std::string_view ns, key;  // one ns of a run has one address, so that equal ones are seen at once
    const StoredTransaction* txn = nullptr;
    const StoredChange* change = nullptr;
  };
  struct Set {
    std::string_view ns;
    Seq seq;
    const StoredTransaction* txn = nullptr;
    const StoredSet* set = nullptr;
  };
  std::vector<Item> items;                           // by (ns, key), each key once
  std::vector<Set> sets;                             // by (ns, seq)
  std::vector<std::shared_ptr<const Chunk>> chunks;  // by revision; they keep the transactions alive

  [[nodiscard]] Revision first() const { return chunks.front()->first(); }
  [[nodiscard]] Revision last() const { return chunks.back()->last(); }
  [[nodiscard]] std::size_t size() const { return items.size() + sets.size(); }

  [[nodiscard]] const Item* lower_bound(std::string_view ns, std::string_view key) const;  // may be the end
  [[nodiscard]] const Item* find(std::string_view ns, std::string_view key) const;
  [[nodiscard]] const Set* sets_from(std::string_view ns) const;  // first set of the first namespace >= ns
  [[nodiscard]] const Set* newest_of(const Set* at) const;        // the last set of the namespace of `at`
  [[nodiscard]] const Set* find_set(std::string_view ns, Seq seq) const;
  [[nodiscard]] TransactionPtr find_transaction(Revision rev) const;
  [[nodiscard]] const Item* items_end() const { return items.data() + items.size(); }
  [[nodiscard]] const Set* sets_end() const { return sets.data() + sets.size(); }
};

using RecentChunkPtr = std::shared_ptr<const RecentSnapshot::Chunk>;
using RecentRunPtr = std::shared_ptr<const RecentSnapshot::Run>;

// < 0, 0, > 0 as (ns, key) order.
[[nodiscard]] inline int compare_names(std::string_view a_ns, std::string_view a_key, std::string_view b_ns,
                                       std::string_view b_key) {
  if (a_ns.data() != b_ns.data() || a_ns.size() != b_ns.size()) {
    if (const int by_ns = a_ns.compare(b_ns); by_ns != 0) return by_ns;
  }
  return a_key.compare(b_key);
}

// `chunks` are consecutive and not empty.
[[nodiscard]] RecentRunPtr seal_run(std::span<const RecentChunkPtr> chunks);
[[nodiscard]] RecentRunPtr merge_runs(const RecentSnapshot::Run& older, const RecentSnapshot::Run& newer);

}  // namespace prismbus
