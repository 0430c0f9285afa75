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
    auto heads = lmdb::Cursor::open(me_.state_txn, me_.tables.head);
    auto history = lmdb::Cursor::open(me_.state_txn, me_.tables.history);
    if (!heads || !history) return me_.finding("audit: a cursor could not be opened");
    heads_ = &*heads;
    head_ = heads_->seek({});
    std::optional<Pair> newest;
    auto at = history->seek({});
    for (; at && *at; at = history->next()) {
      ++changes_;
      if (newest && names(newest->key) != names((*at)->key)) settle(*newest);
      newest = **at;
      check_history(*newest);
    }
    if (!at) me_.fault("state history", at.error());
    if (newest) settle(*newest);
    while (head_ && *head_) extra_head();
    if (!head_) me_.fault("state head", head_.error());
    if (me_.journal.floor == Revision(0) && changes_ != me_.folded_changes) {
      me_.finding("state history: {} changes, the journal has {}", changes_, me_.folded_changes);
    }
    check_namespaces();
    check_changesets();
  }

 private:
  static std::string_view names(std::string_view history_key) {
    return history_key.size() < 9 ? history_key : history_key.substr(0, history_key.size() - 9);
  }

  void check_history(const Pair& row) {
    const auto key = decode_history_key(row.key);
    if (!key || !decode_history(row.key, row.value)) {
      me_.finding("{}", damaged_record("history", row.key).message);
    } else if (key->rev > me_.state.folded) {
      me_.finding("{}", damaged_record("history", row.key, "is newer than the folded revision").message);
    }
  }

  // `newest` is the newest change of its key: the head row has to be the same, or absent for a delete.
  void settle(const Pair& newest) {
    const std::string_view wanted = names(newest.key);
    while (head_ && *head_ && (*head_)->key < wanted) extra_head();
    const auto key = decode_history_key(newest.key);
    const auto change = decode_history(newest.key, newest.value);
    const bool there = head_ && *head_ && (*head_)->key == wanted;
    if (!key || !change) {
      if (there) count_head();
      return;  // already named
    }
    if (change->op == ChangeOp::del) {
      if (there) extra_head();
      return;
    }
    if (!there) return me_.finding("{}", damaged_record("head", wanted, "is not there").message);
    const auto entry = decode_head(wanted, (*head_)->value);
    if (entry &&
        (entry->rev != key->rev || entry->created != change->created || entry->version != change->version ||
         entry->time != change->time || entry->by != change->by || entry->value != change->value)) {
      me_.finding("{}", damaged_record("head", wanted, "is not the newest of its history").message);
    }
    count_head();
  }

  void extra_head() {
    me_.finding("{}", damaged_record("head", (*head_)->key, "has no change in history").message);
    count_head();
  }

  // Takes the head row in and goes on to the next one.
  void count_head() {
    ++me_.report.entries;
    const auto entry = decode_head((*head_)->key, (*head_)->value);
    if (!entry) {
      me_.finding("{}", damaged_record("head", (*head_)->key).message);
    } else {
      if (figures_.empty() || figures_.back().first != entry->ns)
        figures_.emplace_back(entry->ns, NamespaceFigures{});
      NamespaceFigures& figures = figures_.back().second;
      figures.hash += entry_hash(entry->key, entry->rev);
      figures.bytes += entry->key.size() + entry->value.size();
      ++figures.keys;
    }
    head_ = heads_->next();
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
      ++rows;
      if (!decode_changeset_key((*at)->key) || !decode_changeset((*at)->key, (*at)->value)) {
        me_.finding("{}", damaged_record("changesets", (*at)->key).message);
      }
    }
    if (!at) me_.fault("state changesets", at.error());
    if (rows != expected) me_.finding("state changesets: {} rows, the journal has {}", rows, expected);
  }

  Context& me_;
  lmdb::Cursor* heads_ = nullptr;
  lmdb::Outcome<std::optional<Pair>> head_;
  std::uint64_t changes_ = 0;
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
    const Transaction& txn = *decoded->txn;
    if (!txn.req || txn.by != name.by || txn.req->session != name.session || txn.req->n != n) {
      me.finding("{}", damaged_record("sessions", disk_key, "leads to another request's record").message);
    }
  }
}

}  // namespace

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
