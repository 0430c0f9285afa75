// Sealing and merging runs, and looking things up in one.
#include "broker/store/recent_run.hpp"

#include <algorithm>
#include <unordered_set>

namespace prismbus {
namespace {

using SortedRun = RecentSnapshot::Run;
using Chunk = RecentSnapshot::Chunk;

bool item_before(const SortedRun::Item& a, const SortedRun::Item& b) {
  return compare_names(a.ns, a.key, b.ns, b.key) < 0;
}
bool set_before(const SortedRun::Set& a, const SortedRun::Set& b) {
  if (a.ns.data() != b.ns.data() || a.ns.size() != b.ns.size()) {
    if (const int by_ns = a.ns.compare(b.ns); by_ns != 0) return by_ns < 0;
  }
  return a.seq < b.seq;
}

// Gives equal namespaces of a run the same address.
class OneAddress {
 public:
  std::string_view of(std::string_view ns) {
    if (ns == last_) return last_;
    last_ = *known_.insert(ns).first;
    return last_;
  }

 private:
  std::unordered_set<std::string_view> known_;
  std::string_view last_;
};

void keep_newest_of_each_key(std::vector<SortedRun::Item>& items) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool newer_follows = i + 1 < items.size() && compare_names(items[i].ns, items[i].key,
                                                                     items[i + 1].ns, items[i + 1].key) == 0;
    if (!newer_follows) items[kept++] = items[i];
  }
  items.resize(kept);
}

}  // namespace

RecentRunPtr seal_run(std::span<const RecentChunkPtr> chunks) {
  auto run = std::make_shared<SortedRun>();
  run->chunks.assign(chunks.begin(), chunks.end());
  std::size_t changes = 0;
  for (const RecentChunkPtr& chunk : chunks) changes += chunk->changes;
  run->items.reserve(changes);
  OneAddress address;
  for (const RecentChunkPtr& chunk : chunks) {
    for (const Chunk::Logged& logged : chunk->log) {
      for (const auto& set : logged.txn->sets) {
        const std::string_view ns = address.of(set->ns);
        run->sets.push_back({ns, set->seq, logged.txn.get(), set.get()});
        for (const StoredChange& change : set->changes) {
          run->items.push_back({ns, change.key, logged.txn.get(), &change});
        }
      }
    }
  }
  std::sort(run->items.begin(), run->items.end(), [](const SortedRun::Item& a, const SortedRun::Item& b) {
    const int by_name = compare_names(a.ns, a.key, b.ns, b.key);
    return by_name != 0 ? by_name < 0 : a.txn->rev < b.txn->rev;
  });
  keep_newest_of_each_key(run->items);
  if (!std::is_sorted(run->sets.begin(), run->sets.end(), set_before)) {
    std::sort(run->sets.begin(), run->sets.end(), set_before);
  }
  return run;
}

RecentRunPtr merge_runs(const SortedRun& older, const SortedRun& newer) {
  auto run = std::make_shared<SortedRun>();
  run->chunks = older.chunks;
  run->chunks.insert(run->chunks.end(), newer.chunks.begin(), newer.chunks.end());
  run->items.reserve(older.items.size() + newer.items.size());
  auto a = older.items.begin();
  auto b = newer.items.begin();
  while (a != older.items.end() && b != newer.items.end()) {
    const int order = compare_names(a->ns, a->key, b->ns, b->key);
    if (order == 0) ++a;  // the newer one hides it
    run->items.push_back(order < 0 ? *a++ : *b++);
  }
  run->items.insert(run->items.end(), a, older.items.end());
  run->items.insert(run->items.end(), b, newer.items.end());
  run->sets.resize(older.sets.size() + newer.sets.size());
  std::merge(older.sets.begin(), older.sets.end(), newer.sets.begin(), newer.sets.end(), run->sets.begin(),
             set_before);
  return run;
}

const SortedRun::Item* SortedRun::lower_bound(std::string_view ns, std::string_view key) const {
  const Item wanted{ns, key, nullptr, nullptr};
  return items.data() + (std::lower_bound(items.begin(), items.end(), wanted, item_before) - items.begin());
}

const SortedRun::Item* SortedRun::find(std::string_view ns, std::string_view key) const {
  const Item* at = lower_bound(ns, key);
  return at != items_end() && at->key == key && at->ns == ns ? at : nullptr;
}

const SortedRun::Set* SortedRun::sets_from(std::string_view ns) const {
  const Set wanted{ns, Seq(0), nullptr, nullptr};
  return sets.data() + (std::lower_bound(sets.begin(), sets.end(), wanted, set_before) - sets.begin());
}

const SortedRun::Set* SortedRun::newest_of(const Set* at) const {
  const Set wanted{at->ns, Seq(UINT64_MAX), nullptr, nullptr};
  return std::upper_bound(at, sets_end(), wanted, set_before) - 1;
}

const SortedRun::Set* SortedRun::find_set(std::string_view ns, Seq seq) const {
  const Set wanted{ns, seq, nullptr, nullptr};
  const auto at = std::lower_bound(sets.begin(), sets.end(), wanted, set_before);
  return at != sets.end() && at->seq == seq && at->ns == ns ? &*at : nullptr;
}

TransactionPtr SortedRun::find_transaction(Revision rev) const {
  const auto after =
      std::upper_bound(chunks.begin(), chunks.end(), rev,
                       [](Revision wanted, const auto& chunk) { return wanted < chunk->first(); });
  if (after == chunks.begin()) return nullptr;
  const Chunk& chunk = **(after - 1);
  if (rev > chunk.last()) return nullptr;
  return chunk.log[rev.value() - chunk.first().value()].txn;
}

}  // namespace prismbus
