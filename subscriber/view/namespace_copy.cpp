#include "subscriber/view/namespace_copy.hpp"

#include "proto/base/hash.hpp"

namespace prismbus {

const EntryLeaf* NamespaceCopy::place(const EntryLeaf* leaf, Garbage& garbage) {
  const EntryLeaf* before = entries.put(leaf, garbage);
  if (before != nullptr) hash -= entry_hash(before->key(), before->rev);
  hash += entry_hash(leaf->key(), leaf->rev);
  return before;
}

void NamespaceCopy::insert(const Entry& entry, Garbage& garbage) {
  const EntryLeaf* there = entries.find(xxh3_64(entry.key), entry.key);
  if (there != nullptr && there->rev >= entry.rev) return;
  place(EntryLeaf::make(entry.key, entry.value, entry.rev, entry.version, entry.time), garbage);
}

void NamespaceCopy::apply(const ChangeSet& set, Garbage& garbage, std::vector<KeyChange>* told) {
  for (const Change& change : set.changes) {
    const std::uint64_t key_hash = xxh3_64(change.key);
    const EntryLeaf* there = entries.find(key_hash, change.key);
    if (there != nullptr && there->rev >= set.rev) continue;
    KeyChange seen{there, nullptr, Reach::all};
    if (change.op == ChangeOp::put) {
      seen.after = EntryLeaf::make(change.key, change.value, set.rev, change.version, set.time);
      place(seen.after, garbage);
    } else if (there != nullptr) {
      hash -= entry_hash(there->key(), there->rev);
      entries.erase(key_hash, change.key, garbage);
    } else {
      continue;
    }
    if (told != nullptr) told->push_back(seen);
  }
  seq = set.seq;
  rev = set.rev;
  time = set.time;
}

void find_differences(const Hamt<EntryLeaf>& before, const Hamt<EntryLeaf>& after,
                      std::vector<KeyChange>& told) {
  after.for_each([&](const EntryLeaf& now) {
    const EntryLeaf* was = before.find(now.hash, now.key());
    if (was != nullptr && same_version(*was, now)) return;
    told.push_back({was, &now, Reach::all});
  });
  before.for_each([&](const EntryLeaf& was) {
    if (after.find(was.hash, was.key()) == nullptr) told.push_back({&was, nullptr, Reach::all});
  });
}

}  // namespace prismbus
