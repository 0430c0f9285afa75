// One namespace under a validator, without a broker: sets and snapshots in, what readers see out. The
// validator refuses the value "bad", and that the key "keep" is deleted.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proto/base/hash.hpp"
#include "subscriber/sync/rejected_changes.hpp"
#include "subscriber/view/shown_entries.hpp"

namespace prismbus {

class JudgedNamespace {
 public:
  using Changes = std::map<std::string, std::string>;  // key -> value, "" = deleted
  using Text = std::map<std::string, std::string>;
  using Content = std::map<std::string, std::pair<std::string, std::uint64_t>>;  // key -> value, rev

  JudgedNamespace()
      : validators({{"test", {}, {}, "**", [this](const ProposedChange& c) { return judge(c); }}}) {}
  ~JudgedNamespace() {
    replica.entries.retire(garbage);
    rejected.clear(garbage);
    garbage.release_all();
  }
  JudgedNamespace(const JudgedNamespace&) = delete;
  JudgedNamespace& operator=(const JudgedNamespace&) = delete;

  // The set after the last one, of revision 10 x seq.
  RejectedChanges::Judged set(const Changes& changes) {
    ChangeSet set;
    set.seq = replica.seq.next();
    set.rev = Revision(set.seq.value() * 10);
    for (const auto& [key, value] : changes) {
      set.changes.push_back({value.empty() ? ChangeOp::del : ChangeOp::put, key, value, 1});
    }
    std::vector<KeyChange> told_now;
    replica.apply(set, garbage, &told_now);
    auto judged = rejected.judge_set("a", {set.seq, set.rev, {}, "t", {}, {}, 0}, replica.entries, validators,
                                     told_now, garbage);
    take(told_now);
    return judged;
  }
  void snapshot(const Content& content) {
    NamespaceCopy next;
    next.seq = Seq(replica.seq.value() + 5);
    next.rev = Revision(next.seq.value() * 10);
    for (const auto& [key, row] : content) {
      Entry entry;
      entry.key = key;
      entry.value = row.first;
      entry.rev = Revision(row.second);
      next.insert(entry, garbage);
    }
    std::vector<KeyChange> told_now;
    (void)rejected.judge_snapshot("a", {next.seq, next.rev, {}, {}, {}, {}, 0}, replica.entries, next.entries,
                                  validators, told_now, garbage);
    take(told_now);
    replica.entries.retire(garbage);
    replica = std::move(next);
  }

  [[nodiscard]] ShownEntries entries() const { return {replica.entries, rejected.kept()}; }
  [[nodiscard]] Text shown() const {
    Text out;
    entries().for_each([&](const EntryLeaf& e) { out.emplace(e.key(), e.value()); });
    for (const auto& [key, value] : out) {
      if (find(key) == nullptr || find(key)->value() != value) out[key] = "found otherwise";
    }
    return out;
  }
  [[nodiscard]] Text content() const {
    Text out;
    replica.entries.for_each([&](const EntryLeaf& e) { out.emplace(e.key(), e.value()); });
    return out;
  }
  [[nodiscard]] const EntryLeaf* find(const std::string& key) const {
    return entries().find(xxh3_64(key), key);
  }

  NamespaceCopy replica;
  RejectedChanges rejected;
  ValidatorSet validators;
  Text told, written;               // what the changes add up to, for readers and for a cache
  std::vector<std::string> events;  // changes that readers notice, sorted within a step
  std::vector<std::string> asked;   // keys
  Garbage garbage;

 private:
  std::optional<std::string> judge(const ProposedChange& c) {
    asked.emplace_back(c.key);
    if (!c.after) return c.key == "keep" ? std::optional<std::string>("is needed") : std::nullopt;
    if (c.after->bytes != "bad") return std::nullopt;
    return std::string(c.after->bytes) + " is bad";
  }
  void take(const std::vector<KeyChange>& changes) {
    std::vector<std::string> step;
    for (const KeyChange& c : changes) {
      const std::string key(c.leaf().key());
      const auto apply = [&](Text& to) {
        c.after != nullptr ? void(to[key] = std::string(c.after->value())) : void(to.erase(key));
      };
      if (c.reach != Reach::replica) apply(told);
      if (c.reach != Reach::readers) apply(written);
      if (c.reach == Reach::replica) continue;
      const auto text = [](const EntryLeaf* leaf) {
        return leaf == nullptr ? std::string("none") : std::string(leaf->value());
      };
      step.push_back(key + " " + text(c.before) + " -> " + text(c.after) +
                     (c.reach == Reach::all ? " all" : " readers"));
    }
    std::sort(step.begin(), step.end());
    events.insert(events.end(), step.begin(), step.end());
  }
};

}  // namespace prismbus
