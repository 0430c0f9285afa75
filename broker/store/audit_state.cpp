// The state's walks. History and head are read side by side, both in key order: each key's newest change is
// its head, or a delete and there is none.
#include <optional>

#include "broker/store/audit.hpp"

namespace prismbus::audits {
namespace {

using Pair = lmdb::Cursor::Pair;

class EntryWalk {
 public:
  explicit EntryWalk(Context& context) : me_(context) {}

  void run() {
    walk_history();
    walk_newest("head", me_.tables.head, [this](const Pair& row) { return head(row); });
    walk_newest("deleted", me_.tables.deleted, [this](const Pair& row) { return deleted(row); });
    check_counts();
    check_namespaces();
    check_changesets();
  }

 private:
  void check_counts() {
    if (rows_above_ != me_.folded_changes) {
      me_.finding("state history: {} rows above the floor, the journal has {} changes", rows_above_,
                  me_.folded_changes);
    }
    // Every row hangs in exactly one key's chain: all but the newest have a next one.
    if (rows_ - followed_ != newest_)
      me_.finding("state history: {} rows without a next one for {} keys", rows_ - followed_, newest_);
    if (rows_below_ != kept_below_) {
      me_.finding("state history: {} rows at or below the floor, {} keys need one", rows_below_, kept_below_);
    }
  }

  // Each row by itself, and its links against those of the version before it.
  void walk_history() {
    auto cursor = lmdb::Cursor::open(me_.state_txn, me_.tables.history);
    if (!cursor) return me_.fault("state history", cursor.error());
    auto at = cursor->seek({});
    for (; at && *at; at = cursor->next()) {
      ++rows_;
      const auto key = decode_history_key((*at)->key);
      const auto row = decode_history((*at)->key, (*at)->value);
      if (key && key->rev <= me_.state.floor) ++rows_below_;
      if (key && key->rev > me_.floor()) ++rows_above_;
      if (!key || !row) {
        me_.finding("{}", damaged_record("history", (*at)->key).message);
      } else if (key->rev > me_.state.folded) {
        me_.finding("{}", damaged_record("history", (*at)->key, "is newer than the folded revision").message);
      } else if (!follows(*key, *row)) {
        me_.finding("{}",
                    damaged_record("history", (*at)->key, "does not follow the version before it").message);
      }
    }
    if (!at) me_.fault("state history", at.error());
  }

  bool follows(const HistoryKey& key, const HistoryRecord& row) {
    if (row.links.ordinal == 1) return row.links == links_after({}, Revision(0));
    const Revision before_rev = row.links.levels[0];
    if (before_rev >= key.rev) return false;
    const auto before = history_row(me_, before_rev, key.ns, key.key);
    if (!before) return key.rev <= me_.state.floor;  // only what stands below the floor may hang on nothing
    ++followed_;
    if (key.rev > me_.state.floor && before_rev <= me_.state.floor) ++kept_below_;
    return row.links == links_after(before->links, before_rev);
  }

  template <class Check>
  void walk_newest(const char* table, lmdb::Dbi dbi, Check check) {
    auto cursor = lmdb::Cursor::open(me_.state_txn, dbi);
    if (!cursor) return me_.finding("state {}: {}", table, lmdb::describe(cursor.error()));
    auto at = cursor->seek({});
    for (; at && *at; at = cursor->next()) {
      const std::string_view wrong = check(**at);
      if (!wrong.empty()) me_.finding("{}", damaged_record(table, (*at)->key, wrong).message);
    }
    if (!at) me_.finding("state {}: {}", table, lmdb::describe(at.error()));
  }

  void count_newest(Revision rev) {
    ++newest_;
    if (rev <= me_.state.floor) ++kept_below_;
  }

  // "" or what is wrong with the row.
  std::string_view head(const Pair& row) {
    ++me_.report.entries;
    const auto record = decode_head_record(row.key, row.value);
    if (!record) return "checksum does not match";
    const EntryView& entry = record->entry;
    if (figures_.empty() || figures_.back().first != entry.ns)
      figures_.emplace_back(entry.ns, NamespaceFigures{});
    NamespaceFigures& figures = figures_.back().second;
    figures.hash += entry_hash(entry.key, entry.rev);
    figures.bytes += entry.key.size() + value_size(entry.value);
    ++figures.keys;
    count_newest(entry.rev);
    const auto version = history_row(me_, entry.rev, entry.ns, entry.key);
    const bool same = version && version->op == ChangeOp::put && version->created == entry.created &&
                      version->version == entry.version && version->time == entry.time &&
                      version->by == entry.by && version->value == entry.value &&
                      version->links == record->links;
    return same ? "" : "is not in its history";
  }

  std::string_view deleted(const Pair& row) {
    const auto name = decode_head_key(row.key);
    const auto record = decode_deleted(row.key, row.value);
    if (!name || !record) return "checksum does not match";
    if (record->rev < me_.state.floor) return "stands below the floor";
    count_newest(record->rev);
    const auto live = lmdb::get(me_.state_txn, me_.tables.head, row.key);
    if (!live || *live) return "is there as well";
    const auto version = history_row(me_, record->rev, name->ns, name->key);
    const bool same = version && version->op == ChangeOp::del && version->links == record->links;
    return same ? "" : "is not in its history";
  }

  void check_namespaces() {
    auto cursor = lmdb::Cursor::open(me_.state_txn, me_.tables.namespaces);
    if (!cursor) return me_.fault("state namespaces", cursor.error());
    auto figures = figures_.begin();
    auto at = cursor->seek({});
    for (; at && *at; at = cursor->next()) {
      ++me_.report.namespaces;
      const std::string_view ns = (*at)->key;
      const auto head = decode_namespace(ns, (*at)->value);
      for (; figures != figures_.end() && figures->first < ns; ++figures) {
        me_.finding("state namespaces: {} has entries and no row", figures->first);
      }
      const bool has_entries = figures != figures_.end() && figures->first == ns;
      const NamespaceFigures counted = has_entries ? (figures++)->second : NamespaceFigures{};
      if (!head) {
        me_.finding("{}", damaged_record("namespaces", ns).message);
        continue;
      }
      if (head->figures != counted)
        me_.finding("state namespaces: the figures of {} are not its entries'", ns);
      const auto journal = me_.heads.find(ns);
      if (journal == me_.heads.end()
              ? me_.journal.floor == Revision(0)
              : journal->second.head != head->head || journal->second.figures != head->figures) {
        me_.finding("state namespaces: the head of {} is not the journal's", ns);
      }
    }
    if (!at) me_.fault("state namespaces", at.error());
    for (; figures != figures_.end(); ++figures) {
      me_.finding("state namespaces: {} has entries and no row", figures->first);
    }
    if (me_.report.namespaces < me_.heads.size()) me_.finding("state namespaces: rows are missing");
  }

  void check_changesets() {
    auto cursor = lmdb::Cursor::open(me_.state_txn, me_.tables.changesets);
    if (!cursor) return me_.fault("state changesets", cursor.error());
    std::uint64_t rows = 0, expected = 0;
    for (const auto& [ns, count] : me_.change_sets) expected += count;
    auto at = cursor->seek({});
    for (; at && *at; at = cursor->next()) {
      const auto rev = decode_changeset((*at)->key, (*at)->value);
      if (!decode_changeset_key((*at)->key) || !rev) {
        me_.finding("{}", damaged_record("changesets", (*at)->key).message);
      } else if (*rev <= me_.state.floor) {
        me_.finding("{}", damaged_record("changesets", (*at)->key, "stands below the floor").message);
      }
      if (!rev || *rev > me_.floor()) ++rows;
    }
    if (!at) me_.fault("state changesets", at.error());
    if (rows != expected)
      me_.finding("state changesets: {} rows above the floor, the journal has {}", rows, expected);
  }

  Context& me_;
  std::uint64_t rows_ = 0, rows_above_ = 0, rows_below_ = 0;       // of history; above the floor in force
  std::uint64_t followed_ = 0, newest_ = 0;                        // rows with a next one; keys
  std::uint64_t kept_below_ = 0;                                   // rows that the state's floor has to keep
  std::vector<std::pair<std::string, NamespaceFigures>> figures_;  // by the head table, in namespace order
};

// The record that a remembered outcome leads to has to be of that request id. Trimmed ones cannot be asked.
void check_outcomes(Context& me, const SessionKey& name, const SessionState& session,
                    std::string_view disk_key) {
  DiskKey key;
  for (const auto& [n, rev] : session.outcomes) {
    if (rev <= me.journal.floor) continue;
    const auto record = lmdb::get(me.journal_txn, me.log, key.log(rev));
    const auto decoded = record && *record ? decode_journal_record(**record, rev)
                                           : Result<JournalRecord>(unexpected<Error>(Error{}));
    if (!decoded) {
      me.finding("{}",
                 damaged_record("sessions", disk_key, "leads to a journal record that is not there").message);
      continue;
    }
    const StoredTransaction& txn = *decoded->txn;
    if (!txn.req || txn.by != name.by || txn.req->session != name.session || txn.req->n != n) {
      me.finding("{}", damaged_record("sessions", disk_key, "leads to another request's record").message);
    }
  }
}

}  // namespace

std::optional<HistoryRecord> history_row(Context& context, Revision rev, std::string_view ns,
                                         std::string_view key) {
  DiskKey keys;
  const std::string_view disk_key = keys.history(rev, ns, key);
  const auto found = lmdb::get(context.state_txn, context.tables.history, disk_key);
  if (!found || !*found) return std::nullopt;
  return decode_history(disk_key, **found);
}

void walk_entries(Context& context) {
  EntryWalk(context).run();
}

void walk_sessions(Context& me) {
  auto cursor = lmdb::Cursor::open(me.state_txn, me.tables.sessions);
  if (!cursor) return me.fault("state sessions", cursor.error());
  DiskKey keys;
  std::uint64_t outcomes = 0;
  auto at = cursor->seek({});
  for (; at && *at; at = cursor->next()) {
    const std::string_view disk_key = (*at)->key;
    const auto name = decode_session_key(disk_key);
    if (!name) {
      me.finding("{}", damaged_record("sessions", disk_key, "is not a session's key").message);
    } else if (name->is_header) {
      ++me.report.sessions;
      const auto header = decode_session_header(disk_key, (*at)->value);
      if (!header) me.finding("{}", damaged_record("sessions", disk_key).message);
      const std::string_view other_key = keys.session_outcomes(name->by, name->session);
      const auto other = lmdb::get(me.state_txn, me.tables.sessions, other_key);
      const auto session = other && *other ? decode_session_outcomes(other_key, **other) : std::nullopt;
      if (!session) {
        me.finding("{}", damaged_record("sessions", other_key).message);
      } else if (header && session->highest != header->highest) {
        me.finding("{}", damaged_record("sessions", other_key, "differs from its header").message);
      } else if (session->outcomes.empty() || session->outcomes.back().first != session->highest) {
        me.finding("{}", damaged_record("sessions", other_key, "does not hold its highest").message);
      } else {
        check_outcomes(me, *name, *session, other_key);
      }
    } else {
      ++outcomes;
    }
  }
  if (!at) me.fault("state sessions", at.error());
  if (outcomes != me.report.sessions) me.finding("state sessions: headers and outcomes are not as many");
}

}  // namespace prismbus::audits
