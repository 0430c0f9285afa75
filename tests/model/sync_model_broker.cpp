#include "tests/model/sync_model_broker.hpp"

#include <xxhash.h>

#include <algorithm>

namespace prismbus::sync_model {

std::uint64_t hash_of(const Rows& rows) {
  std::uint64_t sum = 0;
  for (const auto& [key, row] : rows) {
    std::string bytes = key + '\0';
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(row.rev >> shift & 0xff);
    sum += XXH3_64bits(bytes.data(), bytes.size());
  }
  return sum;
}

std::string refusal_of(const std::string& key, const std::string* value) {
  if (value == nullptr) return key == "k7" ? "k7 is needed" : "";
  return value->front() % 16 == 3 ? "of a kind that is refused" : "";
}

bool covers(const std::string& under, const std::string& ns) {
  if (under.empty()) return ns[0] != '_';
  return ns == under ||
         (ns.size() > under.size() && ns.compare(0, under.size(), under) == 0 && ns[under.size()] == '.');
}

const Transaction& History::commit(Random& random, const std::vector<std::string>& names, bool express) {
  Transaction txn;
  txn.rev = log.size() + 1;
  std::map<std::string, std::map<std::string, bool>> plan;  // ns -> key -> put?
  for (std::uint64_t i = random.below(4) + 1; i > 0; --i) {
    plan[names[random.below(names.size())]]["k" + std::to_string(random.below(12))] = !random.percent(25);
  }
  for (const auto& [ns, keys] : plan) {
    ChangeSet set;
    set.epoch = epoch;
    set.rev = Revision(txn.rev);
    set.time = from_micros(txn.rev * 1000);
    set.by = "model";
    for (const auto& [key, put] : keys) {
      auto& there = rows[ns];
      if (!put && !there.contains(key)) continue;
      Change change;
      change.key = key;
      change.op = put ? ChangeOp::put : ChangeOp::del;
      if (put) {
        Row& row = there[key];
        row = {std::string(1, static_cast<char>(random.below(100))), txn.rev, row.version + 1};
        change.value = row.value;
        change.version = row.version;
      } else {
        there.erase(key);
      }
      set.changes.push_back(change);
    }
    if (set.changes.empty()) continue;
    set.seq = Seq(++seqs[ns]);
    auto& known = hashes[ns];
    if (known.empty()) known.push_back(0);
    known.push_back(hash_of(rows[ns]));
    if (express && random.percent(5))
      txn.lanes.emplace_back(ns, random.percent(60) ? Lane::express : Lane::changes);
    txn.sets.emplace_back(ns, std::move(set));
  }
  log.push_back(std::move(txn));
  return log.back();
}

const Transaction& Broker::apply_next() {
  const Transaction& txn = history_->log[applied_++];
  for (const auto& [ns, lane] : txn.lanes) namespaces_[ns].lane = lane;
  for (const auto& [ns, set] : txn.sets) {
    Namespace& n = namespaces_[ns];
    n.seq = set.seq.value();
    n.rev = set.rev.value();
    n.sets.push_back(set);
    for (const Change& change : set.changes) {
      if (change.op == ChangeOp::put) {
        n.rows[change.key] = {change.value, set.rev.value(), change.version};
      } else {
        n.rows.erase(change.key);
      }
    }
  }
  return txn;
}

void Broker::compact(Random& random) {
  for (auto& [ns, n] : namespaces_) {
    if (random.percent(40)) n.floor = n.seq - random.below(std::min<std::uint64_t>(n.seq, 3));
  }
}

Head Broker::head_of(const std::string& ns) const {
  Head head;
  const auto found = namespaces_.find(ns);
  if (found == namespaces_.end()) return head;
  head.seq = Seq(found->second.seq);
  head.rev = Revision(found->second.rev);
  head.hash = hash_of(found->second.rows);
  head.lane = found->second.lane;
  return head;
}

Answered Broker::answer(const Asked& asked, Random& random) const {
  Answered out;
  out.epoch = epoch();
  out.rev = Revision(rev());
  if (asked.epoch != epoch()) {
    out.error = fail(ErrorCode::other_history, "another epoch").value();
    return out;
  }
  switch (asked.kind) {
    case Asked::Kind::snapshot:
      snapshot(asked, random, out);
      break;
    case Asked::Kind::changes:
      changes(asked, random, out);
      break;
    case Asked::Kind::subtree_changes:
      subtree_changes(asked, random, out);
      break;
    case Asked::Kind::namespaces:
      list_namespaces(asked, random, out);
      break;
    case Asked::Kind::ack:  // answered by the world, which knows the connection
      break;
  }
  return out;
}

// Cursor: "rev|ns|key" of the last entry given, the key empty when only the
// namespace's head was.
void Broker::snapshot(const Asked& asked, Random& random, Answered& out) const {
  std::string after_ns, after_key;
  if (asked.after) {
    const auto a = asked.after->find('|'), b = asked.after->find('|', a + 1);
    if (std::stoull(asked.after->substr(0, a)) > rev()) {
      out.error = fail(ErrorCode::unavailable, "behind the cursor").value();
      return;
    }
    after_ns = asked.after->substr(a + 1, b - a - 1);
    after_key = asked.after->substr(b + 1);
  }
  std::uint64_t room = 1 + random.below(6);
  const auto cursor = [&](const std::string& ns, const std::string& key) {
    return std::to_string(rev()) + "|" + ns + "|" + key;
  };
  if (asked.ns && !namespaces_.contains(*asked.ns)) out.snapshot.heads.emplace_back(*asked.ns, Head{});
  for (const auto& [ns, n] : namespaces_) {
    if (asked.ns ? ns != *asked.ns : !covers(*asked.under, ns)) continue;
    if (ns < after_ns) continue;
    if (ns != after_ns) out.snapshot.heads.emplace_back(ns, head_of(ns));
    std::string last = ns == after_ns ? after_key : "";
    for (auto row = n.rows.upper_bound(last); row != n.rows.end(); ++row) {
      // A head comes only with the namespace's first key: the head just given
      // waits for the next chunk.
      if (room == 0) {
        if (last.empty() && ns != after_ns) {
          out.snapshot.heads.pop_back();
          out.snapshot.more = true;
          if (!out.snapshot.after) out.snapshot.after = cursor(after_ns, after_key);
          return;
        }
        out.snapshot.more = true;
        out.snapshot.after = cursor(ns, last);
        return;
      }
      --room;
      Entry entry;
      entry.ns = ns;
      entry.key = row->first;
      entry.value = row->second.value;
      entry.rev = Revision(row->second.rev);
      entry.version = row->second.version;
      out.snapshot.entries.push_back(std::move(entry));
      last = row->first;
    }
    after_ns = ns;
    after_key = last;
    out.snapshot.after = cursor(ns, last);
  }
  out.snapshot.after.reset();
}

void Broker::changes(const Asked& asked, Random& random, Answered& out) const {
  std::uint64_t room = 1 + random.below(8);
  std::size_t start = 0;
  std::uint64_t from = 0;
  if (asked.after) {
    const auto colon = asked.after->find(':');
    start = std::stoull(asked.after->substr(0, colon));
    from = std::stoull(asked.after->substr(colon + 1));
  }
  std::size_t failed = 0;
  for (std::size_t i = start; i < asked.since.size(); ++i) {
    const auto& [ns, since] = asked.since[i];
    const auto found = namespaces_.find(ns);
    const std::uint64_t seq = found == namespaces_.end() ? 0 : found->second.seq;
    const std::uint64_t floor = found == namespaces_.end() ? 0 : found->second.floor;
    std::uint64_t at = std::max(since, i == start ? from : 0);
    if (at > seq) {
      out.changes.failed.emplace_back(ns, fail(ErrorCode::unavailable, "not there yet").value());
      ++failed;
      continue;
    }
    if (at < floor && at < seq) {
      out.changes.failed.emplace_back(ns, fail(ErrorCode::compacted, "gone").value());
      ++failed;
      continue;
    }
    for (; at < seq; ++at) {
      if (room == 0) {
        out.changes.more = true;
        out.changes.after = std::to_string(i) + ":" + std::to_string(at);
        return;
      }
      --room;
      out.changes.sets.emplace_back(ns, found->second.sets[at]);
    }
    out.changes.heads.emplace_back(ns, head_of(ns));
  }
  if (failed == asked.since.size() && !asked.after) {
    out.error = out.changes.failed.front().second;
    out.error->ns = out.changes.failed.front().first;
  }
}

void Broker::subtree_changes(const Asked& asked, Random& random, Answered& out) const {
  if (asked.since_rev > rev()) {
    out.error = fail(ErrorCode::unavailable, "behind").value();
    return;
  }
  std::uint64_t room = 1 + random.below(8);
  const std::uint64_t from = asked.after ? std::stoull(*asked.after) : asked.since_rev;
  for (std::uint64_t r = from; r < rev(); ++r) {
    const Transaction& txn = history_->log[r];
    for (const auto& [ns, set] : txn.sets) {
      if (!covers(*asked.under, ns)) continue;
      if (set.seq.value() <= namespaces_.at(ns).floor) {
        out.error = fail(ErrorCode::compacted, "gone").value();
        return;
      }
    }
    if (room == 0) {
      out.changes.more = true;
      out.changes.after = std::to_string(r);
      return;
    }
    --room;
    for (const auto& [ns, set] : txn.sets) {
      if (covers(*asked.under, ns)) out.changes.sets.emplace_back(ns, set);
    }
  }
}

void Broker::list_namespaces(const Asked& asked, Random& random, Answered& out) const {
  std::uint64_t room = 1 + random.below(4);
  for (const auto& [ns, n] : namespaces_) {
    if (!covers(*asked.under, ns) || (asked.after && ns <= *asked.after)) continue;
    if (room-- == 0) {
      out.namespaces.more = true;
      out.namespaces.after = out.namespaces.namespaces.back().ns;
      return;
    }
    out.namespaces.namespaces.push_back({ns, head_of(ns), n.rows.size(), 0});
  }
}

}  // namespace prismbus::sync_model
