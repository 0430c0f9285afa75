// Recent on its own thread: a log in chunks, a hash index over it, and runs for the others, sealed when asked
// for. Dropping is a matter of moving `folded_`; the pieces behind it are cleaned up one chunk at a time.
#include "broker/store/recent.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <unordered_map>

#include "broker/store/recent_index.hpp"
#include "broker/store/recent_run.hpp"
#include "proto/base/assert.hpp"
#include "proto/base/bytes.hpp"

namespace prismbus {
namespace {

// Each bounds what one call may cost the bus thread, whose step aims at 1 ms.
constexpr std::size_t kChunkTransactions = 256, kChunkChanges = 1024;
constexpr std::size_t kSealedPerSnapshot = 4096;   // changes sorted by one snapshot()
constexpr std::size_t kMergedRunSize = 16u << 10;  // items and sets of the largest run made here
constexpr std::size_t kHeadShards = 64;  // namespaces: a map that grows never moves more than a part of them

}  // namespace

EntryView RecentChange::entry() const {
  return {set->ns,         change->key,     change->value, txn->rev,
          change->created, change->version, txn->time,     txn->by};
}

RecentHead head_after(const StoredTransaction& txn, const StoredSet& set) {
  return {{set.seq, txn.rev, txn.time, set.after.hash, set.lane}, set.after};
}

struct Recent::Impl {
  using Chunk = RecentSnapshot::Chunk;
  using Heads = std::unordered_map<std::string, RecentHead, BytesHash, std::equal_to<>>;

  explicit Impl(Revision start) : applied(start), folded(start) {}

  Heads& heads_of(std::string_view ns) { return heads[BytesHash{}(ns) % kHeadShards]; }

  // Ends the open chunk: it becomes immutable and may be shared.
  void close_chunk() {
    if (open->log.empty()) return;
    RecentChunkPtr closed = std::move(open);
    log.push_back(closed);
    unsealed.push_back(std::move(closed));
    open = std::make_shared<Chunk>();
    tidy();  // two pieces for each that is made: what was dropped goes faster than new comes
    tidy();
  }

  void seal_some() {
    std::vector<RecentChunkPtr> chosen;
    std::size_t changes = 0;
    while (!unsealed.empty() &&
           (chosen.empty() || changes + unsealed.front()->changes <= kSealedPerSnapshot)) {
      changes += unsealed.front()->changes;
      chosen.push_back(std::move(unsealed.front()));
      unsealed.pop_front();
    }
    if (chosen.empty()) return;
    RecentRunPtr run = seal_run(chosen);
    while (!runs.empty() && runs.back()->size() <= 2 * run->size() &&
           runs.back()->size() + run->size() <= kMergedRunSize) {
      run = merge_runs(*runs.back(), *run);
      runs.pop_back();
    }
    runs.push_back(std::move(run));
  }

  // The totals of recent up to and including `rev`, which is in the log.
  const Chunk::Logged& logged(Revision rev) const {
    const auto after =
        std::upper_bound(log.begin(), log.end(), rev,
                         [](Revision r, const RecentChunkPtr& chunk) { return r < chunk->first(); });
    const Chunk& chunk = after != log.begin() && rev <= (*(after - 1))->last() ? **(after - 1) : *open;
    return chunk.log[rev.value() - chunk.first().value()];
  }

  void drop_up_to(Revision to) {
    const Chunk::Logged& last = logged(to);
    changes_dropped = last.changes_total;
    bytes_dropped = last.bytes_total;
    folded = to;
    if (!open->log.empty() && open->last() <= to) close_chunk();
    // A run that dies must not be the last to hold thousands of transactions: its chunks go one by one too.
    const auto alive =
        std::find_if(runs.begin(), runs.end(), [to](const auto& run) { return run->last() > to; });
    for (auto run = runs.begin(); run != alive; ++run) {
      for (const RecentChunkPtr& chunk : (*run)->chunks) released.push_back(chunk);
    }
    runs.erase(runs.begin(), alive);
    while (!unsealed.empty() && unsealed.front()->last() <= to) unsealed.pop_front();
    for (; !log.empty() && log.front()->last() <= to; log.pop_front()) dead.push_back(std::move(log.front()));
  }

  bool tidy() {
    if (!released.empty() && dead.empty()) {
      released.pop_front();
    } else if (!dead.empty()) {
      forget(*dead.front());
      dead.pop_front();
      if (!released.empty()) released.pop_front();
    }
    return !dead.empty() || !released.empty();
  }

  // Takes a dead chunk out of the index and its namespaces out of the heads, unless newer ones took their
  // places.
  void forget(const Chunk& chunk) {
    for (const Chunk::Logged& entry : chunk.log) {
      for (const auto& set : entry.txn->sets) {
        const std::uint64_t ns_hash = RecentIndex::hash_namespace(set->ns);
        for (const StoredChange& change : set->changes) {
          index.erase(ns_hash, change);
        }
        Heads& shard = heads_of(set->ns);
        if (const auto at = shard.find(set->ns); at != shard.end() && at->second.head.rev <= folded)
          shard.erase(at);
      }
    }
  }

  Revision applied, folded;
  std::shared_ptr<Chunk> open = std::make_shared<Chunk>();
  std::deque<RecentChunkPtr> log;       // closed and not folded, oldest first
  std::deque<RecentChunkPtr> unsealed;  // the newest of them, not in a run yet
  std::deque<RecentChunkPtr> dead;      // folded, still in the index
  std::deque<RecentChunkPtr> released;  // folded, held only so that they are freed one by one
  std::vector<RecentRunPtr> runs;
  RecentIndex index;
  std::array<Heads, kHeadShards> heads;
  std::uint64_t changes_total = 0, bytes_total = 0, changes_dropped = 0, bytes_dropped = 0;
  RecentSnapshotPtr last_snapshot;
};

Recent::Recent(Revision applied) : impl_(std::make_unique<Impl>(applied)) {}
Recent::~Recent() = default;

void Recent::apply(TransactionPtr txn) {
  Impl& me = *impl_;
  PRISMBUS_ASSERT(txn->rev == me.applied.next(), "I1: recent continues densely");
  me.applied = txn->rev;
  me.last_snapshot.reset();
  std::size_t changes = 0;
  for (const auto& set : txn->sets) {
    const std::uint64_t ns_hash = RecentIndex::hash_namespace(set->ns);
    changes += set->changes.size();
    for (const StoredChange& change : set->changes) me.index.put(ns_hash, {txn.get(), set.get(), &change});
    Impl::Heads& shard = me.heads_of(set->ns);
    const auto at = shard.find(set->ns);
    if (at != shard.end()) {
      at->second = head_after(*txn, *set);
    } else {
      shard.emplace(set->ns, head_after(*txn, *set));
    }
  }
  me.changes_total += changes;
  me.bytes_total += txn->memory_bytes();
  me.open->changes += changes;
  me.open->log.push_back({std::move(txn), me.changes_total, me.bytes_total});
  if (me.open->log.size() >= kChunkTransactions || me.open->changes >= kChunkChanges) me.close_chunk();
}

Revision Recent::applied() const {
  return impl_->applied;
}

std::optional<RecentChange> Recent::find(std::string_view ns, std::string_view key) const {
  const RecentChange* change = impl_->index.find(ns, key);
  if (change == nullptr || change->txn->rev <= impl_->folded) return std::nullopt;
  return *change;
}

const RecentHead* Recent::find_head(std::string_view ns) const {
  const Impl::Heads& shard = impl_->heads_of(ns);
  const auto at = shard.find(ns);
  return at == shard.end() || at->second.head.rev <= impl_->folded ? nullptr : &at->second;
}

void Recent::drop_folded(Revision folded) {
  Impl& me = *impl_;
  PRISMBUS_ASSERT(folded <= me.applied, "fold is handed only what was applied");
  if (folded <= me.folded) return;
  me.last_snapshot.reset();
  me.drop_up_to(folded);
  me.tidy();
}

bool Recent::tidy() {
  return impl_->tidy();
}

RecentSnapshotPtr Recent::snapshot() {
  Impl& me = *impl_;
  if (me.last_snapshot != nullptr && me.last_snapshot->unsorted.empty()) return me.last_snapshot;
  me.close_chunk();
  me.seal_some();
  auto snapshot = std::make_shared<RecentSnapshot>();
  snapshot->watermark = me.applied;
  snapshot->runs = me.runs;
  snapshot->unsorted.assign(me.unsealed.begin(), me.unsealed.end());
  me.last_snapshot = std::move(snapshot);
  return me.last_snapshot;
}

std::size_t Recent::changes() const {
  return impl_->changes_total - impl_->changes_dropped;
}
std::size_t Recent::bytes() const {
  return impl_->bytes_total - impl_->bytes_dropped;
}

}  // namespace prismbus
