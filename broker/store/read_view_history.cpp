// ReadView's past: as-of reads, versions, revisions by time. At or above the folded revision the heads and
// recent, cut off at that revision, know everything; below it the state's history does, and recent nothing.
#include <algorithm>

#include "broker/store/disk_keys.hpp"
#include "broker/store/key_history.hpp"
#include "broker/store/read_view_parts.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"

namespace prismbus {
namespace {

using Run = RecentSnapshot::Run;
using EachVersion = std::function<bool(const KeyVersionView&)>;

// `req` lends the request id; null = none.
KeyVersionView version_of(const StoredTransaction& txn, const StoredChange& change) {
  KeyVersionView version{txn.rev, change.op, change.value, change.version, txn.time, txn.by, {}, nullptr};
  if (txn.note) version.note = *txn.note;
  if (txn.req) version.req = &*txn.req;
  return version;
}

KeyVersionView version_of(const KeyHistory::Version& stored, std::optional<RequestId>& req) {
  const HistoryRecord& record = stored.record;
  req.reset();
  if (record.session) req = RequestId{std::string(*record.session), record.n};
  return {stored.rev,  record.op, record.value, record.version,
          record.time, record.by, record.note,  req ? &*req : nullptr};
}

// The versions of a key in one run, newest first, of revisions in (folded, before); false = `each` had
// enough. A run keeps only the newest change of a key in its order of keys; the others are found by the
// namespace's change sets.
bool each_version(const Run& run, std::string_view ns, std::string_view key, Revision folded, Revision before,
                  const std::function<bool(const StoredTransaction&, const StoredChange&)>& each) {
  const Run::Item* newest = run.find(ns, key);
  if (newest == nullptr) return true;
  const Run::Set* first = run.sets_from(ns);
  for (const Run::Set* set = run.newest_of(first) + 1; set != first;) {
    --set;
    if (set->txn->rev >= before || set->txn->rev > newest->txn->rev) continue;
    if (set->txn->rev <= folded) return true;
    for (const StoredChange& change : set->set->changes) {
      if (change.key == key && !each(*set->txn, change)) return false;
    }
  }
  return true;
}

// What of `run` is at or below `at`, as a run of its own.
RecentRunPtr cut_off(const Run& run, Revision at) {
  std::vector<RecentChunkPtr> chunks;
  for (const RecentChunkPtr& chunk : run.chunks) {
    if (chunk->first() > at) break;
    if (chunk->last() <= at) {
      chunks.push_back(chunk);
      continue;
    }
    auto part = std::make_shared<RecentSnapshot::Chunk>();
    for (const auto& logged : chunk->log) {
      if (logged.txn->rev > at) break;
      part->log.push_back(logged);
      part->changes += logged.txn->change_count();
    }
    chunks.push_back(std::move(part));
  }
  return seal_run(chunks);
}

// A scan of what was there at a revision below the folded one: the keys of head and deleted in one order,
// each with its version of then.
class PastScan {
 public:
  PastScan(StateReader& state, Revision at) : state_(state), history_(state), at_(at) {}

  Result<void> run(std::string_view from, const ReadView::EachEntry& each) {
    auto live = Rows::open(state_, state_.tables().head, from);
    if (!live) return unexpected<Error>(live.error());
    auto deleted = Rows::open(state_, state_.tables().deleted, from);
    if (!deleted) return unexpected<Error>(deleted.error());
    for (;;) {
      if (auto sound = live->check(); !sound) return sound;
      if (auto sound = deleted->check(); !sound) return sound;
      if (live->end() && deleted->end()) return {};
      const bool is_live = deleted->end() || (!live->end() && live->row().key < deleted->row().key);
      Rows& rows = is_live ? *live : *deleted;
      const auto name = decode_head_key(rows.row().key);
      if (!name) return unexpected<Error>(damaged_record(is_live ? "head" : "deleted", rows.row().key));
      const auto entry = is_live ? of_live(rows.row(), *name) : of_deleted(rows.row(), *name);
      if (!entry) return unexpected<Error>(entry.error());
      if (!each(name->ns, name->key, *entry ? &**entry : nullptr)) return {};
      rows.next();
    }
  }

 private:
  Result<std::optional<EntryView>> of_live(const lmdb::Cursor::Pair& row, const HeadKey& name) {
    const auto record = decode_head_record(row.key, row.value);
    if (!record) return unexpected<Error>(damaged_record("head", row.key));
    if (record->entry.rev <= at_) return std::optional(record->entry);
    return entry_from(record->entry.rev, record->links, name);
  }
  Result<std::optional<EntryView>> of_deleted(const lmdb::Cursor::Pair& row, const HeadKey& name) {
    const auto record = decode_deleted(row.key, row.value);
    if (!record) return unexpected<Error>(damaged_record("deleted", row.key));
    if (record->rev <= at_) return std::optional<EntryView>();
    return entry_from(record->rev, record->links, name);
  }
  Result<std::optional<EntryView>> entry_from(Revision newest, const VersionLinks& links,
                                              const HeadKey& name) {
    const auto version = history_.find_from(newest, links, at_, name.ns, name.key);
    if (!version) return unexpected<Error>(version.error());
    if (!*version || (*version)->record.op == ChangeOp::del) return std::optional<EntryView>();
    return std::optional(entry_of(**version, name.ns, name.key));
  }

  StateReader& state_;
  KeyHistory history_;
  Revision at_;
};

// Between the keys that are there, those that are there no more: rows of `deleted`, told with nullptr.
class GoneKeys {
 public:
  GoneKeys(StateReader& state, const ReadView::EachEntry& each) : state_(state), each_(each) {}

  Result<void> seek(std::string_view from_ns, std::string_view from_key) {
    DiskKey key;
    auto rows = Rows::open(state_, state_.tables().deleted,
                           from_ns.empty() ? std::string_view() : key.head(from_ns, from_key));
    if (!rows) return unexpected<Error>(rows.error());
    rows_.emplace(std::move(*rows));
    return {};
  }
  // False when `each` has enough, or a row is damaged. The key itself is the caller's to tell.
  bool tell_before(std::string_view ns, std::string_view key) {
    while (const auto name = next()) {
      const int order = compare_names(name->ns, name->key, ns, key);
      if (order > 0) return true;
      if (order < 0 && !each_(name->ns, name->key, nullptr)) return end();
      rows_->next();
    }
    return outcome_.has_value();
  }
  // `each` has enough.
  bool end() {
    ended_ = true;
    return false;
  }
  Result<void> tell_rest() {
    while (const auto name = next()) {
      if (!each_(name->ns, name->key, nullptr)) break;
      rows_->next();
    }
    return outcome_;
  }

 private:
  std::optional<HeadKey> next() {
    if (ended_) return std::nullopt;
    if (auto sound = rows_->check(); !sound) outcome_ = std::move(sound);
    if (!outcome_ || rows_->end()) return std::nullopt;
    const auto name = decode_head_key(rows_->row().key);
    if (!name) outcome_ = unexpected<Error>(damaged_record("deleted", rows_->row().key));
    return name;
  }

  StateReader& state_;
  const ReadView::EachEntry& each_;
  std::optional<Rows> rows_;
  bool ended_ = false;
  Result<void> outcome_;
};

}  // namespace

Revision ReadView::floor() const {
  return std::max(impl_->state.floor(), impl_->journal.floor());
}

Result<void> ReadView::readable_at(Revision at) const {
  if (at < floor()) return unexpected<Error>(compacted_below(floor().value()));
  if (at > rev()) return fail(ErrorCode::not_found, "no such revision yet");
  return {};
}

Result<Revision> ReadView::revision_at(std::uint64_t time_us) const {
  const auto is_later = [&](Revision rev) -> Result<bool> {
    if (rev > impl_->folded) {
      // Not there only when the state cannot be read, which then says so.
      if (const auto txn = impl_->recent_transaction(rev)) return to_micros(txn->time) > time_us;
    }
    const auto written = time_of(impl_->state, rev);
    if (!written) return unexpected<Error>(written.error());
    return !*written || to_micros(**written) > time_us;
  };
  // The last revision in [low, high) that is not later; `low` is none, or one that is not later.
  const Revision bottom = floor();
  if (bottom != Revision(0)) {
    const auto later = is_later(bottom);
    if (!later) return unexpected<Error>(later.error());
    if (*later) return unexpected<Error>(compacted_below(bottom.value()));
  }
  std::uint64_t low = bottom.value(), high = rev().value() + 1;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto later = is_later(Revision(middle));
    if (!later) return unexpected<Error>(later.error());
    (*later ? high : low) = middle;
  }
  return Revision(low);
}

Result<std::optional<EntryView>> ReadView::find_at(Revision at, std::string_view ns,
                                                   std::string_view key) const {
  if (const auto readable = readable_at(at); !readable) return unexpected<Error>(readable.error());
  if (at < impl_->folded) {
    const auto version = KeyHistory(impl_->state).find(at, ns, key);
    if (!version) return unexpected<Error>(version.error());
    if (!*version || (*version)->record.op == ChangeOp::del) return std::optional<EntryView>();
    return impl_->open(std::optional(entry_of(**version, ns, key)));
  }
  std::optional<std::optional<EntryView>> found;
  const auto take = [&](const StoredTransaction& txn, const StoredChange& change) {
    found.emplace();
    if (change.op == ChangeOp::put) {
      *found = EntryView{ns, key, change.value, txn.rev, change.created, change.version, txn.time, txn.by};
    }
    return false;
  };
  for (auto run = impl_->runs.rbegin(); run != impl_->runs.rend() && (*run)->last() > impl_->folded; ++run) {
    if ((*run)->first() > at) continue;
    if (!each_version(**run, ns, key, impl_->folded, at.next(), take)) return *found;
  }
  return impl_->open(impl_->state.find(ns, key));
}

Result<void> ReadView::scan_at(Revision at, std::string_view from_ns, std::string_view from_key,
                               const EachEntry& each_open) const {
  if (auto readable = readable_at(at); !readable) return readable;
  if (!fits_disk_key(from_ns, from_key))
    return fail(ErrorCode::invalid_argument, "a scan from a name that is too long");
  OpeningEach opening(impl_->state.vault(), each_open);
  const EachEntry each = std::ref(opening);
  if (at < impl_->folded) {
    DiskKey key;
    const std::string_view from = from_ns.empty() ? std::string_view() : key.head(from_ns, from_key);
    return opening.outcome(PastScan(impl_->state, at).run(from, each));
  }
  std::vector<RecentRunPtr> runs;
  for (const RecentRunPtr& run : impl_->runs) {
    if (run->first() <= at) runs.push_back(run->last() <= at ? run : cut_off(*run, at));
  }
  GoneKeys gone(impl_->state, each);
  if (auto begun = gone.seek(from_ns, from_key); !begun) return begun;
  const auto scanned = impl_->scan_heads(
      runs, from_ns, from_key, [&](std::string_view ns, std::string_view key, const EntryView* entry) {
        return gone.tell_before(ns, key) && (each(ns, key, entry) || gone.end());
      });
  return opening.outcome(scanned ? gone.tell_rest() : scanned);
}

Result<void> ReadView::versions(std::string_view ns, std::string_view key, Revision before,
                                const EachVersion& each) const {
  const Revision end = before == Revision(0) ? rev().next() : before;
  bool more = true;
  for (auto run = impl_->runs.rbegin(); more && run != impl_->runs.rend(); ++run) {
    if ((*run)->last() <= impl_->folded) break;
    more = each_version(**run, ns, key, impl_->folded, end,
                        [&each](const StoredTransaction& txn, const StoredChange& change) {
                          return each(version_of(txn, change));
                        });
  }
  if (!more) return {};
  const Revision bottom = floor();
  const Revision newest(std::min(end.value() - 1, impl_->folded.value()));
  KeyHistory history(impl_->state);
  std::optional<RequestId> req;
  std::string buffer;
  auto version = history.find(std::max(newest, bottom), ns, key);
  for (;;) {
    if (!version) return unexpected<Error>(version.error());
    if (!*version || (*version)->rev >= end) return {};
    const auto value =
        open_value(impl_->state.vault(), {ns, key, (*version)->rev}, (*version)->record.value, buffer);
    if (!value) return unexpected<Error>(value.error());
    KeyVersionView told = version_of(**version, req);
    told.value = *value;
    if (!each(told) || (*version)->rev <= bottom) return {};
    version = history.before(**version, ns, key);
  }
}

Error ReadView::gone(std::string_view ns) const {
  const auto head = find_head(ns);
  if (!head) return head.error();
  if (!*head) return compacted_below(0);
  // The first change set whose record is there: seqs of a namespace ascend with their revisions.
  const Revision bottom = floor();
  std::uint64_t low = 0, high = (*head)->head.seq.value();  // `low` is gone, all above `high` are there
  while (low < high) {
    const std::uint64_t middle = low + (high - low + 1) / 2;
    const auto rev = impl_->state.find_change_set(ns, Seq(middle));
    if (!rev) return rev.error();
    bool there = *rev && **rev > bottom;
    for (auto run = impl_->runs.rbegin(); !there && run != impl_->runs.rend(); ++run) {
      const auto* set = (*run)->find_set(ns, Seq(middle));
      there = set != nullptr && set->txn->rev > bottom;
    }
    if (there) {
      high = middle - 1;
    } else {
      low = middle;
    }
  }
  return compacted_below(low);
}

}  // namespace prismbus
