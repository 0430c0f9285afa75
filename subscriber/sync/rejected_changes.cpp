#include "subscriber/sync/rejected_changes.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "proto/base/hash.hpp"
#include "subscriber/view/shown_entries.hpp"

namespace prismbus {
namespace {

std::optional<ValueView> view_of(const EntryLeaf* leaf) {
  return leaf == nullptr ? std::nullopt : std::optional(leaf->view());
}

// Sets of indices that grow together.
class Partition {
 public:
  explicit Partition(std::size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), 0); }
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) { parent_[find(a)] = find(b); }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace

RejectedChanges::Verdict RejectedChanges::ask(const std::string& ns, const SetMeta& set,
                                              const EntryLeaf* seen, const EntryLeaf* after,
                                              ValidatorSet& validators) const {
  if (seen == nullptr && after == nullptr) return std::nullopt;  // readers would not notice
  const std::string_view key = (after != nullptr ? after : seen)->key();
  return validators.judge({ns, key, view_of(seen), view_of(after), set.seq, set.rev, set.by});
}

// ---- a change set ----

RejectedChanges::Judged RejectedChanges::judge_set(const std::string& ns, const SetMeta& set,
                                                   const Hamt<EntryLeaf>& replica, ValidatorSet& validators,
                                                   std::vector<KeyChange>& changes, Garbage& garbage) {
  Judged judged;
  std::vector<Verdict> verdicts;
  std::vector<GroupId> touched;
  for (const KeyChange& change : changes) {
    const EntryLeaf& leaf = change.leaf();
    const KeptLeaf* kept = kept_.find(leaf.hash, leaf.key());
    verdicts.push_back(ask(ns, set, kept != nullptr ? kept->shown : change.before, change.after, validators));
    if (kept != nullptr) touched.push_back(held_.find(leaf.key())->second.group);
    if (verdicts.back() && judged.refused++ == 0) judged.by = verdicts.back()->by;
  }
  if (touched.empty() && judged.refused == 0) return judged;
  const GroupId group = join(touched);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    hold(changes[i].before, changes[i], verdicts[i], group, set.seq, garbage);
  }
  judged.kept_back = !groups_[group].refused.empty();
  if (!judged.kept_back) {
    release(group, replica, changes, garbage);
  } else {
    report(group, set.seq, changes, verdicts, judged);
    for (KeyChange& change : changes) change.reach = Reach::replica;
  }
  return judged;
}

// The largest takes the others in; a new one when there is none.
RejectedChanges::GroupId RejectedChanges::join(const std::vector<GroupId>& groups) {
  if (groups.empty()) return ++last_group_;
  const GroupId into = *std::max_element(groups.begin(), groups.end(), [&](GroupId a, GroupId b) {
    return groups_[a].keys.size() < groups_[b].keys.size();
  });
  for (const GroupId other : groups) {
    const auto found = groups_.find(other);
    if (other == into || found == groups_.end()) continue;
    Group& target = groups_[into];
    for (std::string& key : found->second.keys) {
      held_.find(key)->second.group = into;
      target.keys.push_back(std::move(key));
    }
    target.refused.merge(found->second.refused);
    groups_.erase(other);
  }
  return into;
}

// `seen`: what readers see of a key that is not kept back yet.
void RejectedChanges::hold(const EntryLeaf* seen, const KeyChange& change, const Verdict& verdict,
                           GroupId group, Seq seq, Garbage& garbage) {
  const EntryLeaf& leaf = change.leaf();
  const std::string key(leaf.key());
  const auto [at, fresh] = held_.try_emplace(key);
  Held& held = at->second;
  if (fresh) {
    auto* kept = new KeptLeaf;
    kept->hash = leaf.hash;
    kept->name = key;
    if (seen != nullptr) {
      kept->shown = EntryLeaf::make(seen->key(), seen->value(), seen->rev, seen->version, seen->time);
    }
    kept_.put(kept, garbage);
    held.group = group;
    groups_[group].keys.push_back(key);
  } else if (held.reason) {
    refused_.erase({held.seq, key});
  }
  held.seq = seq;
  held.reason.reset();
  if (verdict) {
    held.reason = verdict->reason;
    refused_.emplace(seq, key);
    groups_[group].refused.insert(key);
  } else {
    groups_[group].refused.erase(key);
  }
  const bool vanished = change.after == nullptr && kept_.find(leaf.hash, key)->shown != nullptr;
  vanished_ += static_cast<std::size_t>(vanished) - static_cast<std::size_t>(held.vanished);
  held.vanished = vanished;
}

// Nothing of it is refused any more: readers see all of it from this set on.
void RejectedChanges::release(GroupId group, const Hamt<EntryLeaf>& replica, std::vector<KeyChange>& changes,
                              Garbage& garbage) {
  std::unordered_map<std::string_view, const EntryLeaf*> of_set;
  for (const KeyChange& change : changes) of_set.emplace(change.leaf().key(), change.before);
  std::vector<KeyChange> told;
  for (const std::string& key : groups_[group].keys) {
    const std::uint64_t hash = xxh3_64(key);
    const EntryLeaf* seen = kept_.find(hash, key)->shown;
    const EntryLeaf* now = replica.find(hash, key);
    const auto by_set = of_set.find(key);
    if (seen != nullptr || now != nullptr) {
      told.push_back({seen, now, by_set != of_set.end() ? Reach::all : Reach::readers});
    } else if (by_set != of_set.end()) {
      told.push_back({by_set->second, nullptr, Reach::replica});
    }
    vanished_ -= static_cast<std::size_t>(held_.find(key)->second.vanished);
    held_.erase(key);
    kept_.erase(hash, key, garbage);
  }
  groups_.erase(group);
  changes = std::move(told);
}

void RejectedChanges::report(GroupId group, Seq seq, const std::vector<KeyChange>& changes,
                             const std::vector<Verdict>& verdicts, Judged& judged) const {
  for (std::size_t i = 0; i < changes.size() && judged.told.size() < kRejectedTold; ++i) {
    if (verdicts[i]) judged.told.push_back({std::string(changes[i].leaf().key()), seq, verdicts[i]->reason});
  }
  if (!judged.told.empty()) return;
  const std::string& key = *groups_.at(group).refused.begin();
  const Held& held = held_.find(key)->second;
  judged.told.push_back({std::string(changes.front().leaf().key()), seq,
                         fit_reason("kept back with " + key + " of seq " + std::to_string(held.seq.value()) +
                                    ": " + *held.reason)});
}

// ---- a snapshot ----

RejectedChanges::Judged RejectedChanges::judge_snapshot(const std::string& ns, const SetMeta& set,
                                                        const Hamt<EntryLeaf>& before,
                                                        const Hamt<EntryLeaf>& after,
                                                        ValidatorSet& validators,
                                                        std::vector<KeyChange>& changes, Garbage& garbage) {
  Judged judged;
  const ShownEntries seen(before, kept_);
  after.for_each([&](const EntryLeaf& now) {
    const EntryLeaf* was = seen.find(now.hash, now.key());
    if (was == nullptr || !same_version(*was, now)) changes.push_back({was, &now, Reach::all});
  });
  seen.for_each([&](const EntryLeaf& was) {
    if (after.find(was.hash, was.key()) == nullptr) changes.push_back({&was, nullptr, Reach::all});
  });
  std::vector<Verdict> verdicts;
  for (const KeyChange& change : changes) {
    verdicts.push_back(ask(ns, set, change.before, change.after, validators));
    if (verdicts.back() && judged.refused++ == 0) judged.by = verdicts.back()->by;
  }
  std::vector<GroupId> groups;
  if (judged.refused != 0) groups = partition(changes, verdicts);
  clear(garbage);
  last_group_ = std::max<GroupId>(last_group_, changes.size());  // partition() numbered them
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] == 0) continue;
    hold(changes[i].before, changes[i], verdicts[i], groups[i], set.seq, garbage);
    changes[i].reach = Reach::replica;
    judged.kept_back = true;
    if (verdicts[i] && judged.told.size() < kRejectedTold) {
      judged.told.push_back({std::string(changes[i].leaf().key()), set.seq, verdicts[i]->reason});
    }
  }
  return judged;
}

// Which changes of a snapshot are kept back together: those that were so far, and entries of one revision,
// for one transaction wrote them. 0: shown.
std::vector<RejectedChanges::GroupId> RejectedChanges::partition(const std::vector<KeyChange>& changes,
                                                                 const std::vector<Verdict>& verdicts) const {
  Partition together(changes.size());
  std::unordered_map<GroupId, std::size_t> first_of_group;
  std::unordered_map<std::uint64_t, std::size_t> first_of_rev;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (const auto held = held_.find(changes[i].leaf().key()); held != held_.end()) {
      together.join(i, first_of_group.emplace(held->second.group, i).first->second);
    }
    if (changes[i].after == nullptr) continue;  // nobody knows what deleted it
    together.join(i, first_of_rev.emplace(changes[i].after->rev.value(), i).first->second);
  }
  std::unordered_set<std::size_t> refused;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (verdicts[i]) refused.insert(together.find(i));
  }
  std::vector<GroupId> groups(changes.size(), 0);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const std::size_t root = together.find(i);
    if (refused.contains(root)) groups[i] = root + 1;
  }
  return groups;
}

void RejectedChanges::clear(Garbage& garbage) {
  kept_.retire(garbage);
  held_.clear();
  groups_.clear();
  refused_.clear();
  vanished_ = 0;
}

std::shared_ptr<const std::vector<RejectedChange>> RejectedChanges::standing() const {
  if (refused_.empty()) return nullptr;
  auto out = std::make_shared<std::vector<RejectedChange>>();
  for (auto at = refused_.rbegin(); at != refused_.rend() && out->size() < kRejectedTold; ++at) {
    out->push_back({at->second, at->first, *held_.find(at->second)->second.reason});
  }
  std::reverse(out->begin(), out->end());
  return out;
}

}  // namespace prismbus
