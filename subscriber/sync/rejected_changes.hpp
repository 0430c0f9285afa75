// What the replica of one namespace has and its readers are not shown, because a validator refused it: which
// entries they see instead, what is kept back together, and why. Pure; part of SyncState, on its thread.
//
// Keys kept back are in groups: the keys of a refused set, and of every set after it that touches one of
// them. A group is shown whole once no key of it is refused (I11: who sees one change of a transaction sees
// all).
//   set 1 {a: good, b: bad}  -> group {a, b}, b is refused; readers see a and b as before
//   set 2 {a: good, c: good} -> group {a, b, c}, b is refused: set 2 is kept back with it
//   set 3 {d: good}          -> shown
//   set 4 {b: good}          -> nothing of the group is refused any more: a, b and c are shown in one step
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proto/base/bytes.hpp"
#include "subscriber/sync/sync_update.hpp"
#include "subscriber/sync/validator_set.hpp"
#include "subscriber/view/namespace_copy.hpp"

namespace prismbus {

class RejectedChanges {
 public:
  struct Judged {
    std::vector<RejectedChange> told;  // to be told to the broker, at most kRejectedTold
    std::size_t refused = 0;           // keys refused by a validator
    std::string_view by;               // the first validator that refused
    bool kept_back = false;            // something of it is not shown
  };

  // A change set that was applied to the replica, which is `replica` now. `changes` is what it did to it,
  // each key once; afterwards it also says what readers see.
  [[nodiscard]] Judged judge_set(const std::string& ns, const SetMeta& set, const Hamt<EntryLeaf>& replica,
                                 ValidatorSet& validators, std::vector<KeyChange>& changes, Garbage& garbage);
  // A snapshot that takes the place of `before`. `changes` becomes what is different.
  [[nodiscard]] Judged judge_snapshot(const std::string& ns, const SetMeta& set,
                                      const Hamt<EntryLeaf>& before, const Hamt<EntryLeaf>& after,
                                      ValidatorSet& validators, std::vector<KeyChange>& changes,
                                      Garbage& garbage);
  // Nothing is kept back any more; whoever calls tells readers, or has nothing to show.
  void clear(Garbage& garbage);

  [[nodiscard]] const Hamt<KeptLeaf>& kept() const { return kept_; }
  // Those that stand, by ascending seq: the latest, at most kRejectedTold. Null when there is none.
  [[nodiscard]] std::shared_ptr<const std::vector<RejectedChange>> standing() const;
  // Over kVanishedMax entries are shown that the broker has deleted.
  [[nodiscard]] bool over_limit() const { return vanished_ > kVanishedMax; }

 private:
  using GroupId = std::uint64_t;
  using Verdict = std::optional<ValidatorSet::Refusal>;
  struct Held {
    GroupId group = 0;
    Seq seq;                            // of its newest change
    std::optional<std::string> reason;  // it is refused itself
    bool vanished = false;              // shown, and not in the replica
  };
  struct Group {
    std::vector<std::string> keys;
    std::set<std::string> refused;
  };

  [[nodiscard]] Verdict ask(const std::string& ns, const SetMeta& set, const EntryLeaf* seen,
                            const EntryLeaf* after, ValidatorSet& validators) const;
  [[nodiscard]] GroupId join(const std::vector<GroupId>& groups);
  void hold(const EntryLeaf* seen, const KeyChange& change, const Verdict& verdict, GroupId group, Seq seq,
            Garbage& garbage);
  void release(GroupId group, const Hamt<EntryLeaf>& replica, std::vector<KeyChange>& changes,
               Garbage& garbage);
  void report(GroupId group, Seq seq, const std::vector<KeyChange>& changes,
              const std::vector<Verdict>& verdicts, Judged& judged) const;
  [[nodiscard]] std::vector<GroupId> partition(const std::vector<KeyChange>& changes,
                                               const std::vector<Verdict>& verdicts) const;

  Hamt<KeptLeaf> kept_;
  std::unordered_map<std::string, Held, BytesHash, std::equal_to<>> held_;  // the same keys
  std::unordered_map<GroupId, Group> groups_;
  std::set<std::pair<Seq, std::string>> refused_;  // keys with a reason, by the seq of their change
  GroupId last_group_ = 0;
  std::size_t vanished_ = 0;
};

}  // namespace prismbus
