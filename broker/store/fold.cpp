// State::fold: a batch of transactions becomes one LMDB transaction. Every table is written in the order of
// its disk keys, each page once, so that a fold of 100,000 changes dirties as few pages as it can (they are
// what it costs).
#include <algorithm>
#include <map>

#include "broker/store/disk_keys.hpp"
#include "broker/store/fold_order.hpp"
#include "broker/store/state.hpp"
#include "broker/store/state_record.hpp"
#include "broker/store/state_tables.hpp"
#include "broker/store/write_failure.hpp"
#include "proto/base/assert.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {
namespace {

// How many session headers one fold looks at for age: all 65,536 are seen within 16 folds.
constexpr std::size_t kSessionsCheckedPerFold = 4096;

struct SetRef {
  const StoredTransaction* txn;
  const StoredSet* set;
};

using SessionName = std::pair<std::string_view, std::string_view>;  // by, session
using SessionWrites = std::map<SessionName, std::vector<const StoredTransaction*>>;

// The writes of one fold. Every step answers the first fault and leaves the transaction to be aborted.
class Folding {
 public:
  Folding(lmdb::WriteTxn& txn, const State::Tables& tables) : txn_(txn), tables_(tables) {}

  // Of each key the newest change; on the way every change gets its links.
  lmdb::Outcome<void> heads(FoldOrder& order) {
    auto cursor = lmdb::Cursor::open(txn_.get(), tables_.head);
    if (!cursor) return unexpected<lmdb::Fault>(cursor.error());
    const auto& keys = order.by_key();
    for (std::size_t begin = 0, end = 0; begin < keys.size(); begin = end) {
      const std::string_view key = order.head_key(keys[begin]);
      while (end < keys.size() && order.head_key(keys[end]) == key) ++end;
      const auto versions = std::span(keys).subspan(begin, end - begin);
      if (const auto done = write_key(*cursor, key, versions, order.by_revision()); !done) return done;
    }
    return {};
  }

  // All of them are newer than what stands there: the table grows at its end.
  lmdb::Outcome<void> history(const std::vector<FoldChange>& changes) {
    for (const FoldChange& ref : changes) {
      const std::string_view key = key_.history(ref.txn->rev, ref.set->ns, ref.change->key);
      encode_history(record_, key, *ref.txn, *ref.change, ref.links);
      if (const auto done = txn_.put(tables_.history, key, record_, MDB_APPEND); !done) return done;
    }
    return {};
  }

  // Change sets by namespace: their revisions, and of each namespace the newest as its head.
  lmdb::Outcome<void> sets(std::span<const TransactionPtr> batch) {
    std::map<std::string_view, std::vector<SetRef>> by_ns;
    for (const TransactionPtr& txn : batch) {
      for (const auto& set : txn->sets) by_ns[set->ns].push_back({txn.get(), set.get()});
    }
    for (const auto& [ns, refs] : by_ns) {
      for (const SetRef& ref : refs) {
        const std::string_view key = key_.changeset(ns, ref.set->seq);
        encode_changeset(record_, key, ref.txn->rev);
        if (const auto done = txn_.put(tables_.changesets, key, record_); !done) return done;
      }
      encode_namespace(record_, ns, head_after(*refs.back().txn, *refs.back().set));
      if (const auto done = txn_.put(tables_.namespaces, ns, record_); !done) return done;
    }
    return {};
  }

  lmdb::Outcome<void> sessions(std::span<const TransactionPtr> batch) {
    SessionWrites writes;
    for (const TransactionPtr& txn : batch) {
      if (txn->req) writes[{txn->by, txn->req->session}].push_back(txn.get());
    }
    for (const auto& [name, txns] : writes) {
      if (const auto done = session(name, txns); !done) return done;
    }
    return {};
  }

 private:
  // What a key was before this fold.
  struct Stored {
    bool live = false, deleted = false;
    DeletedRecord version;  // of the newest version, live or not
  };

  lmdb::Outcome<void> write_key(lmdb::Cursor& heads, std::string_view key,
                                std::span<const FoldOrder::Key> versions, std::vector<FoldChange>& changes) {
    Stored stored;
    if (const auto done = load(heads, key, stored); !done) return done;
    DeletedRecord before = std::move(stored.version);
    for (const FoldOrder::Key& version : versions) {
      FoldChange& ref = changes[version.index];
      ref.links = links_after(before.links, before.rev);
      before = {ref.txn->rev, ref.links};
    }
    const FoldChange& newest = changes[versions.back().index];
    if (newest.change->op == ChangeOp::del) {
      if (stored.live) {
        if (const auto done = txn_.erase(tables_.head, key); !done) return done;
      }
      encode_deleted(record_, key, before);
      return txn_.put(tables_.deleted, key, record_);
    }
    if (stored.deleted) {
      if (const auto done = txn_.erase(tables_.deleted, key); !done) return done;
    }
    encode_head(record_, key, *newest.txn, *newest.change, newest.links);
    return txn_.put(heads, key, record_);
  }

  // A damaged row ends the fold like a write that failed: the chain of the key's versions would break.
  lmdb::Outcome<void> load(lmdb::Cursor& heads, std::string_view key, Stored& stored) {
    const auto head = heads.find(key);
    if (!head) return unexpected<lmdb::Fault>(head.error());
    if (*head) {
      auto record = decode_head_record(key, **head);
      if (!record) return unexpected<lmdb::Fault>(lmdb::Fault{MDB_CORRUPTED, "a head row's checksum"});
      stored.live = true;
      stored.version = {record->entry.rev, std::move(record->links)};
      return {};
    }
    const auto deleted = lmdb::get(txn_.get(), tables_.deleted, key);
    if (!deleted) return unexpected<lmdb::Fault>(deleted.error());
    if (!*deleted) return {};
    auto record = decode_deleted(key, **deleted);
    if (!record) return unexpected<lmdb::Fault>(lmdb::Fault{MDB_CORRUPTED, "a deleted row's checksum"});
    stored.deleted = true;
    stored.version = std::move(*record);
    return {};
  }

  // Merges what a session wrote with what is stored, and keeps the window of 1,024 below the highest n.
  lmdb::Outcome<void> session(const SessionName& name, const std::vector<const StoredTransaction*>& txns) {
    SessionState state;
    if (const auto done = load(name, txns.front()->time, state); !done) return done;
    for (const StoredTransaction* txn : txns) {
      // Over between two writes of one fold: the later one began it anew and may use an n again.
      if (state.last_write != Wall{} && state.last_write + limits::kSessionLife < txn->time) state = {};
      state.outcomes.emplace_back(txn->req->n, txn->rev);
      state.highest = std::max(state.highest, txn->req->n);
      state.last_write = txn->time;
    }
    std::sort(state.outcomes.begin(), state.outcomes.end());
    std::erase_if(state.outcomes, [&state](const auto& outcome) {
      return state.highest - outcome.first >= limits::kSessionWrites;  // never a sum: n may be 2^64 - 1
    });

    const std::string_view header_key = key_.session_header(name.first, name.second);
    encode_session_header(record_, header_key, {state.highest, state.last_write});
    if (const auto done = txn_.put(tables_.sessions, header_key, record_); !done) return done;
    const std::string_view key = key_.session_outcomes(name.first, name.second);
    encode_session_outcomes(record_, key, state);
    return txn_.put(tables_.sessions, key, record_);
  }

  // A session that was over before `first_write` begins empty, like one whose record was removed in time. A
  // damaged record is left out too: reads refuse it by name until it is written anew.
  lmdb::Outcome<void> load(const SessionName& name, Wall first_write, SessionState& state) {
    const std::string_view header_key = key_.session_header(name.first, name.second);
    const auto header = lmdb::get(txn_.get(), tables_.sessions, header_key);
    if (!header) return unexpected<lmdb::Fault>(header.error());
    if (!*header) return {};
    const auto known = decode_session_header(header_key, **header);
    if (!known || known->last_write + limits::kSessionLife < first_write) return {};
    const std::string_view key = key_.session_outcomes(name.first, name.second);
    const auto record = lmdb::get(txn_.get(), tables_.sessions, key);
    if (!record) return unexpected<lmdb::Fault>(record.error());
    if (!*record) return {};
    if (auto stored = decode_session_outcomes(key, **record)) state = std::move(*stored);
    return {};
  }

  lmdb::WriteTxn& txn_;
  const State::Tables& tables_;
  DiskKey key_;
  std::string record_;
};

}  // namespace

lmdb::Outcome<void> State::forget_sessions(lmdb::WriteTxn& txn, Wall before) {
  std::vector<std::string> headers;
  {
    auto cursor = lmdb::Cursor::open(txn.get(), tables_->sessions);
    if (!cursor) return unexpected<lmdb::Fault>(cursor.error());
    auto at =
        cursor->seek(sessions_checked_.empty() ? kSessionHeaderPrefix : std::string_view(sessions_checked_));
    sessions_checked_.clear();
    for (std::size_t checked = 0;; ++checked, at = cursor->next()) {
      if (!at) return unexpected<lmdb::Fault>(at.error());
      if (!*at || !(*at)->key.starts_with(kSessionHeaderPrefix)) break;  // the next fold begins anew
      if (checked == kSessionsCheckedPerFold) {
        sessions_checked_ = (*at)->key;
        break;
      }
      const auto header = decode_session_header((*at)->key, (*at)->value);
      if (header && header->last_write < before) headers.emplace_back((*at)->key);
    }
  }
  for (std::string& key : headers) {
    if (const auto done = txn.erase(tables_->sessions, key); !done) return done;
    key[0] = kSessionOutcomesPrefix[0];
    if (const auto done = txn.erase(tables_->sessions, key); !done) return done;
  }
  return {};
}

lmdb::Outcome<void> State::write(std::span<const TransactionPtr> batch, Wall sessions_before,
                                 StateMeta& meta) {
  auto txn = lmdb::WriteTxn::begin(env_);
  if (!txn) return unexpected<lmdb::Fault>(txn.error());
  Folding folding(*txn, *tables_);
  FoldOrder order(batch);
  if (const auto done = folding.heads(order); !done) return done;
  if (const auto done = folding.history(order.by_revision()); !done) return done;
  if (const auto done = folding.sets(batch); !done) return done;
  if (const auto done = folding.sessions(batch); !done) return done;
  if (const auto done = forget_sessions(*txn, sessions_before); !done) return done;
  meta.folded = batch.back()->rev;
  std::string record;
  encode_state_meta(record, meta);
  if (const auto done = txn->put(tables_->meta, kMetaKey, record); !done) return done;
  return txn->commit();
}

Result<void, FoldFailure> State::fold(std::span<const TransactionPtr> batch, Wall sessions_before) {
  if (batch.empty()) return {};
  Revision next = meta_.folded;
  for (const TransactionPtr& txn : batch) {
    PRISMBUS_ASSERT(txn->rev == next.next(), "I1: fold continues densely");
    next = txn->rev;
  }
  StateMeta meta = meta_;
  if (const auto written = write(batch, sessions_before, meta); !written) {
    last_fault_ = written.error();
    return unexpected<FoldFailure>(fold_failure(*env_, last_fault_));
  }
  meta_ = meta;
  return {};
}

}  // namespace prismbus
