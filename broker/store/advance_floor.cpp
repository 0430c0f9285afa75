// State::advance_floor: what of the past goes when the floor moves from f to g.
//
//   versions of a key    3   8   15  22(delete)     f = 5 (3 is the newest at or below it), folded = 40
//   g = 10               .   8   15  22             8 has passed the floor: the version before it goes
//   g = 22               .   .   .   22             a delete that stands at the floor itself stays ...
//   g = 30               .   .   .   .              ... and goes, with its row in deleted, once it is below
//
// So history at or below the floor holds of each key its newest version there, unless that is a delete with
// nothing after it; and of the transaction at the floor at least one row, which tells the floor's time. Links
// may point to versions that are gone: a read at or above the floor never follows one of these, for it stops
// at the first version that is not too new. Change sets at or below the floor go too: their journal records
// follow.
//
// Everything is one transaction with the floor it belongs to: no crash can part them.
#include <algorithm>
#include <set>
#include <vector>

#include "broker/store/disk_keys.hpp"
#include "broker/store/state.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"
#include "broker/store/write_failure.hpp"
#include "proto/base/assert.hpp"

namespace prismbus {
namespace {

class FloorMove {
 public:
  FloorMove(lmdb::WriteTxn& txn, const State::Tables& tables, Revision from)
      : txn_(txn), tables_(tables), from_(from), reached_(from) {}

  lmdb::Outcome<void> run(Revision to, State::FloorStep step) {
    if (const auto done = look(to, step); !done) return done;
    if (const auto done = drop_versions(); !done) return done;
    if (const auto done = drop_deletes(); !done) return done;
    return drop_change_sets();
  }
  [[nodiscard]] Revision reached() const { return reached_; }

 private:
  // Walks the rows of [from, to], as far as a step goes: whole revisions, one beyond `from` at least.
  lmdb::Outcome<void> look(Revision to, State::FloorStep step) {
    auto cursor = lmdb::Cursor::open(txn_.get(), tables_.history);
    if (!cursor) return unexpected<lmdb::Fault>(cursor.error());
    std::size_t rows = 0, bytes = 0;
    for (auto at = cursor->seek(key_.log(from_));; at = cursor->next()) {
      if (!at) return unexpected<lmdb::Fault>(at.error());
      const auto name = *at ? decode_history_key((*at)->key) : std::nullopt;
      if (*at && !name) continue;  // damaged: the audit names it
      if (!*at || name->rev > to) break;
      const bool full = rows >= step.rows || bytes >= step.bytes;
      if (name->rev > reached_ && full && reached_ > from_) return {};
      reached_ = name->rev;
      ++rows;
      bytes += (*at)->value.size();
      if (const auto done = take((*at)->key, (*at)->value, *name, bytes); !done) return done;
    }
    reached_ = to;
    return {};
  }

  // A damaged row is left for the audit to name: what it hides stays, nothing wrong is served for it.
  lmdb::Outcome<void> take(std::string_view disk_key, std::string_view value, const HistoryKey& name,
                           std::size_t& bytes) {
    namespaces_.emplace(name.ns);
    const auto row = decode_history(disk_key, value);
    if (!row) return {};
    if (row->op == ChangeOp::del) deletes_.push_back({name.rev, std::string(disk_key)});
    if (name.rev == from_ || row->links.levels.empty()) return {};
    const std::string_view before = before_key_.history(row->links.levels[0], name.ns, name.key);
    const auto dropped = lmdb::get(txn_.get(), tables_.history, before);
    if (!dropped) return unexpected<lmdb::Fault>(dropped.error());
    if (!*dropped) return {};
    bytes += (*dropped)->size();
    superseded_.emplace_back(before);
    return {};
  }

  lmdb::Outcome<void> drop_versions() {
    std::sort(superseded_.begin(), superseded_.end());  // neighbours share pages
    for (const std::string& key : superseded_) {
      if (const auto done = txn_.erase(tables_.history, key); !done) return done;
    }
    return {};
  }

  // Deletes below the floor after which nothing came.
  lmdb::Outcome<void> drop_deletes() {
    for (const auto& [rev, disk_key] : deletes_) {
      if (rev >= reached_) continue;
      const auto name = decode_history_key(disk_key);
      const std::string_view key = key_.head(name->ns, name->key);
      const auto found = lmdb::get(txn_.get(), tables_.deleted, key);
      if (!found) return unexpected<lmdb::Fault>(found.error());
      const auto deleted = *found ? decode_deleted(key, **found) : std::nullopt;
      if (!deleted || deleted->rev != rev) continue;
      if (const auto done = txn_.erase(tables_.deleted, key); !done) return done;
      if (const auto done = txn_.erase(tables_.history, disk_key); !done) return done;
    }
    return {};
  }

  lmdb::Outcome<void> drop_change_sets() {
    for (const std::string& ns : namespaces_) {
      std::vector<std::string> keys;
      std::size_t gone = 0;  // of `keys`: up to the last that is at or below the floor
      {
        auto cursor = lmdb::Cursor::open(txn_.get(), tables_.changesets);
        if (!cursor) return unexpected<lmdb::Fault>(cursor.error());
        for (auto at = cursor->seek(key_.changeset(ns, Seq(0)));; at = cursor->next()) {
          if (!at) return unexpected<lmdb::Fault>(at.error());
          const auto name = *at ? decode_changeset_key((*at)->key) : std::nullopt;
          if (!name || name->ns != ns) break;
          const auto rev = decode_changeset((*at)->key, (*at)->value);
          if (rev && *rev > reached_) break;
          keys.emplace_back((*at)->key);
          if (rev) gone = keys.size();
        }
      }
      for (std::size_t i = 0; i < gone; ++i) {
        if (const auto done = txn_.erase(tables_.changesets, keys[i]); !done) return done;
      }
    }
    return {};
  }

  struct Delete {
    Revision rev;
    std::string disk_key;
  };
  lmdb::WriteTxn& txn_;
  const State::Tables& tables_;
  const Revision from_;
  Revision reached_;
  std::vector<std::string> superseded_;
  std::vector<Delete> deletes_;
  std::set<std::string, std::less<>> namespaces_;
  DiskKey key_, before_key_;
};

}  // namespace

lmdb::Outcome<void> State::write_floor(Revision to, FloorStep step, StateMeta& meta) {
  auto txn = lmdb::WriteTxn::begin(env_);
  if (!txn) return unexpected<lmdb::Fault>(txn.error());
  FloorMove move(*txn, *tables_, meta.floor);
  if (const auto done = move.run(to, step); !done) return done;
  meta.floor = move.reached();
  std::string record;
  encode_state_meta(record, meta);
  if (const auto done = txn->put(tables_->meta, kMetaKey, record); !done) return done;
  return txn->commit();
}

Result<void, FoldFailure> State::advance_floor(Revision to, FloorStep step) {
  PRISMBUS_ASSERT(to > meta_.floor && to <= meta_.folded, "the floor moves up, to what is folded");
  StateMeta meta = meta_;
  if (const auto written = write_floor(to, step, meta); !written) {
    last_fault_ = written.error();
    return unexpected<FoldFailure>(fold_failure(*env_, last_fault_));
  }
  meta_ = meta;
  return {};
}

}  // namespace prismbus
