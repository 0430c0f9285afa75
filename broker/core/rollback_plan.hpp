// What a rollback changes: for each key whose bytes differ from those at `to`, the value it had then, or that
// it was not there. Computed on the reader thread in steps of bounded work, each through a view of its own,
// while writes go on: what was written since an earlier step is looked at again in the next. The bus (see
// rollback_desk) sequences it only if the namespace still stands at `seq`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/store/read_view.hpp"

namespace prismbus {

class RollbackPlan {
 public:
  // Goes on with it. `pending`: the transactions of the namespace that were sequenced and not durable when
  // `view` was taken; ascending. Errors are kept in error().
  void advance(const RollbackRequest& request, const ReadView& view,
               const std::vector<TransactionPtr>& pending);

  [[nodiscard]] bool complete() const { return whole_ && caught_up_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] Seq seq() const { return seq_; }  // the namespace's, of which this is true when complete
  // Over the limits of a transaction: only counted from then on. Counts are of before the writes that came
  // meanwhile.
  [[nodiscard]] bool too_large() const { return too_large_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // of keys and values
  // Key -> value at `to`; none = to be deleted. In key order. Empty when too_large.
  using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;
  [[nodiscard]] const Changes& changes() const { return changes_; }

 private:
  struct Step;
  [[nodiscard]] Result<void> visit_slice(const Step& step);
  [[nodiscard]] Result<void> catch_up(const Step& step);
  [[nodiscard]] Result<void> look_again(const Step& step, std::string_view key);
  void learn(std::string_view key, const EntryView* then, bool differs);

  bool begun_ = false, whole_ = false, caught_up_ = false, too_large_ = false;
  std::string visited_;  // the last key of the namespace that was visited
  Seq seq_;
  Changes changes_;
  std::uint64_t count_ = 0, bytes_ = 0;
  std::optional<Error> error_;
};

// A plan on its way between bus and reader.
struct RollbackWork {
  RollbackPlan plan;
  std::string ns;
  std::vector<TransactionPtr> pending;  // of its namespace, when it went to the reader
  std::uint64_t drops = 0;              // Pending::drops() before: what was dropped since may be in the plan
  unsigned tries = 0;                   // complete plans that came too late
};

}  // namespace prismbus
