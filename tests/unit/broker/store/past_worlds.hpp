// What a sample history looked like after each revision, kept whole, and the comparison of a view's past with
// it: as-of reads, scans, versions, times.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tests/unit/broker/store/sample_history.hpp"

namespace prismbus::test {

class PastWorlds {
 public:
  void add(const SampleWorld& world, const TransactionPtr& txn);

  // REQUIREs inside: everything the view says about revisions from its floor on is what was, and below it is
  // `compacted` with the floor.
  void require_past_equals(const ReadView& view) const;
  // Every change set above the floor is told as it was written; one that is gone says the smallest `since`
  // that is still answered.
  void require_change_sets(const ReadView& view, SampleHistory& history) const;

 private:
  struct Written {
    TransactionPtr txn;
    const StoredChange* change;
  };
  void require_as_of(const ReadView& view, std::uint64_t at) const;
  void require_versions(const ReadView& view) const;
  void require_times(const ReadView& view) const;

  using Name = std::pair<std::string, std::string>;
  std::vector<SampleWorld> worlds_{{}};  // by revision
  std::vector<std::uint64_t> times_{0};
  std::map<Name, std::vector<Written>> versions_;  // oldest first
};

}  // namespace prismbus::test
