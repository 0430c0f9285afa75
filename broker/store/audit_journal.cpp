// The journal's walk. Figures are computed anew from each key's former change: for what is folded that stands
// in history, for the tail it is kept in a map.
#include <optional>

#include "broker/store/audit.hpp"
#include "broker/store/new_epoch.hpp"
#include "broker/store/record_bytes.hpp"
#include "proto/wire/codec/stream.hpp"

namespace prismbus::audits {
namespace {

// What a key was before a change: for the figures, versions and `created` that have to follow from it.
struct Before {
  Revision rev, created;
  std::uint64_t version = 0;
  std::size_t bytes = 0;
  bool live = false;
};

// Some value of exactly `size` bytes: nil, or bytes.
std::string blank_value(std::size_t size) {
  std::string out;
  if (size == 1) {
    append_u8(out, 0xc0);
  } else if (size - 2 <= UINT8_MAX) {
    append_u8(out, 0xc4);
    append_u8(out, static_cast<std::uint8_t>(size - 2));
  } else if (size - 3 <= UINT16_MAX) {
    append_u8(out, 0xc5);
    append_be16(out, static_cast<std::uint16_t>(size - 3));
  } else {
    append_u8(out, 0xc6);
    append_be32(out, static_cast<std::uint32_t>(size - 5));
  }
  out.resize(size);
  return out;
}

// The change set of a secret namespace as far as it can be judged without a key: something else of the same
// size stands for each value.
std::string with_blank_values(const StoredSet& set) {
  std::string out = set.encoded;
  for (const StoredChange& change : set.changes) {
    if (change.value.empty()) continue;
    out.replace(static_cast<std::size_t>(change.value.data() - set.encoded.data()), change.value.size(),
                blank_value(change.value.size()));
  }
  return out;
}

class JournalWalk {
 public:
  explicit JournalWalk(Context& context) : me_(context) {}

  void run() {
    auto cursor = lmdb::Cursor::open(me_.journal_txn, me_.log);
    if (!cursor) return me_.fault("journal", cursor.error());
    std::optional<Hash128> chain = me_.journal.hash_at_floor;
    Revision rev = me_.journal.floor;
    auto at = cursor->seek({});
    for (; at && *at; at = cursor->next()) {
      const auto key = decode_log_key((*at)->key);
      if (!key || *key != rev.next()) {
        return me_.finding("journal: after record {} stands a key that is not the next revision",
                           rev.value());
      }
      rev = *key;
      ++me_.report.records;
      const auto record = decode_journal_record((*at)->value, rev);
      if (!record) {
        me_.finding("{}", record.error().message);
      } else {
        if (chain && record->previous != *chain) {
          me_.finding("journal record {}: does not follow the record before it", rev.value());
        }
        check(*record->txn);
      }
      // The hash of a damaged record would only repeat the finding.
      chain = record ? std::optional(chain_hash((*at)->value)) : std::nullopt;
      if (rev == me_.journal.last) break;
    }
    if (!at) me_.fault("journal", at.error());
    if (rev != me_.journal.last) {
      me_.finding("journal: ends at record {}, its meta record says {}", rev.value(),
                  me_.journal.last.value());
    }
  }

 private:
  void check(const StoredTransaction& txn) {
    if (txn.time < last_time_)
      me_.finding("journal record {}: its time is before that of the last", txn.rev.value());
    last_time_ = std::max(last_time_, txn.time);
    const bool folded = txn.rev <= me_.state.folded;
    for (const auto& set : txn.sets) {
      check_encoded(txn, *set);
      check_seq(txn, *set);
      // What they were before is known of a namespace seen before, of all while nothing was trimmed.
      const bool known = me_.journal.floor == Revision(0) || figures_.contains(set->ns);
      NamespaceFigures figures = figures_[set->ns];
      for (const StoredChange& change : set->changes) check_change(txn, *set, change, figures);
      if (known && has_former(txn) && figures != set->after) {
        me_.finding("journal record {}: the figures of {} do not follow from its changes", txn.rev.value(),
                    set->ns);
      }
      figures_[set->ns] = set->after;
      if (folded) {
        me_.heads[set->ns] = head_after(txn, *set);
        if (txn.rev > me_.floor()) {
          me_.folded_changes += set->changes.size();
          ++me_.change_sets[set->ns];
          check_changeset(txn, *set);
        }
      }
    }
  }

  // What goes on the wire says the same as what is kept beside it.
  void check_encoded(const StoredTransaction& txn, const StoredSet& set) {
    const std::string with_blanks = set.closed ? with_blank_values(set) : std::string();
    const std::string_view encoded = set.closed ? with_blanks : set.encoded;
    const auto views = codec::view_changes(encoded);
    bool same = views && views->size() == set.changes.size() && epoch_of_set(encoded) == me_.journal.epoch;
    for (std::size_t i = 0; same && i < views->size(); ++i) {
      const codec::ChangeView& wire = (*views)[i];
      const StoredChange& kept = set.changes[i];
      const bool same_value = set.closed ? wire.value.size() == kept.value.size() : wire.value == kept.value;
      same = wire.op == kept.op && wire.key == kept.key && same_value && wire.version == kept.version;
    }
    if (!same)
      me_.finding("journal record {}: the change set of {} is not what its record says", txn.rev.value(),
                  set.ns);
  }

  void check_seq(const StoredTransaction& txn, const StoredSet& set) {
    Seq& last = seqs_[set.ns];
    // The first one seen after a trimmed part may be any.
    const bool known = last != Seq(0) || me_.journal.floor == Revision(0);
    if (known && set.seq != last.next()) {
      me_.finding("journal record {}: {} has seq {} after {}", txn.rev.value(), set.ns, set.seq.value(),
                  last.value());
    }
    last = set.seq;
  }

  void check_change(const StoredTransaction& txn, const StoredSet& set, const StoredChange& change,
                    NamespaceFigures& figures) {
    const bool folded = txn.rev <= me_.state.folded;
    const Before before = former(set.ns, change.key, txn.rev);
    const bool put = change.op == ChangeOp::put;
    if (before.live) {
      figures.hash -= entry_hash(change.key, before.rev);
      figures.bytes -= before.bytes;
      --figures.keys;
    }
    if (put) {
      figures.hash += entry_hash(change.key, txn.rev);
      figures.bytes += change.key.size() + change.value.size();
      ++figures.keys;
    }
    const std::uint64_t version = !put ? 0 : before.live ? before.version + 1 : 1;
    const Revision created = !put ? Revision(0) : before.live ? before.created : txn.rev;
    if (has_former(txn) &&
        (change.version != version || change.created != created || (!put && !before.live))) {
      me_.finding(
          "journal record {}: version or created of a change in {} does not follow from the one before",
          txn.rev.value(), set.ns);
    }
    if (folded) {
      if (txn.rev > me_.floor()) check_history(txn, set, change);
    } else {
      tail_[{set.ns, std::string(change.key)}] = {txn.rev, change.created, change.version,
                                                  change.key.size() + change.value.size(), put};
    }
  }

  // Of every change above the floor the version before it is kept.
  [[nodiscard]] bool has_former(const StoredTransaction& txn) const { return txn.rev > me_.floor(); }

  // The version before a change: in the tail, or as the state knows it. A folded change's own history row
  // leads there.
  Before former(std::string_view ns, std::string_view key, Revision rev) {
    if (const auto at = tail_.find({std::string(ns), std::string(key)}); at != tail_.end()) return at->second;
    if (rev <= me_.state.folded) {
      const auto own = history_row(me_, rev, ns, key);
      return own && !own->links.levels.empty() ? at_version(own->links.levels[0], ns, key) : Before{};
    }
    const auto head = lmdb::get(me_.state_txn, me_.tables.head, key_.head(ns, key));
    if (!head || !*head) return {};
    const auto entry = decode_head(key_.head(ns, key), **head);
    if (!entry) return {};
    return {entry->rev, entry->created, entry->version, key.size() + value_size(entry->value), true};
  }

  Before at_version(Revision rev, std::string_view ns, std::string_view key) {
    const auto row = history_row(me_, rev, ns, key);
    if (!row) return {};
    return {rev, row->created, row->version, key.size() + value_size(row->value), row->op == ChangeOp::put};
  }

  void check_history(const StoredTransaction& txn, const StoredSet& set, const StoredChange& change) {
    const std::string_view disk_key = key_.history(txn.rev, set.ns, change.key);
    const auto found = lmdb::get(me_.state_txn, me_.tables.history, disk_key);
    if (!found || !*found) {
      return me_.finding("{}", damaged_record("history", disk_key, "is not there").message);
    }
    const auto record = decode_history(disk_key, **found);
    if (!record) return;  // named by the walk over history
    const bool same_note = txn.note ? record->note == std::string_view(*txn.note) : !record->note;
    const bool same_req =
        txn.req ? record->session == std::string_view(txn.req->session) && record->n == txn.req->n
                : !record->session;
    if (record->op != change.op || record->value != change.on_disk() || record->version != change.version ||
        record->created != change.created || record->time != txn.time || record->by != txn.by || !same_note ||
        !same_req) {
      me_.finding("{}", damaged_record("history", disk_key, "differs from the journal").message);
    }
  }

  void check_changeset(const StoredTransaction& txn, const StoredSet& set) {
    const std::string_view disk_key = key_.changeset(set.ns, set.seq);
    const auto found = lmdb::get(me_.state_txn, me_.tables.changesets, disk_key);
    if (!found || !*found || decode_changeset(disk_key, **found) != txn.rev) {
      me_.finding("{}",
                  damaged_record("changesets", disk_key, "does not lead to its journal record").message);
    }
  }

  Context& me_;
  DiskKey key_;
  Wall last_time_{};
  std::map<std::string, Seq, std::less<>> seqs_;
  std::map<std::string, NamespaceFigures, std::less<>> figures_;
  std::map<std::pair<std::string, std::string>, Before> tail_;
};

}  // namespace

void walk_journal(Context& context) {
  JournalWalk(context).run();
}

}  // namespace prismbus::audits
