#include "tests/model/replica.hpp"

#include "tests/model/reads.hpp"

namespace prismbus::model {

Replica::Replica(World& world, StreamCheck& stream, std::string under, bool exactly)
    : world_(world), under_(std::move(under)), exactly_(exactly) {
  stream.followers.emplace_back([this](const NamedSet& set) { hear(set); });
}

bool Replica::follows(const std::string& ns) const {
  return exactly_ ? ns == under_ : covers(under_, ns);
}

void Replica::hear(const NamedSet& set) {
  if (!follows(set.first)) return;
  if (phase_ == Phase::live && set.second.epoch != epoch_) {
    ++resyncs_;
    return begin_anew();
  }
  if (phase_ == Phase::live) {
    apply(set, true);
  } else {
    heard_.push_back(set);
  }
}

void Replica::apply(const NamedSet& named, bool from_stream) {
  const auto& [ns, set] = named;
  demand(set.epoch == epoch_, "what catches up is of the history of what is caught up");
  std::uint64_t& seq = seqs_[ns];
  if (set.seq.value() <= seq) return;
  demand(!from_stream || set.seq.value() == seq + 1, "I3: a follower that is live sees no hole");
  demand(set.seq.value() == seq + 1, "I5: changes go on where the snapshot ended");
  seq = set.seq.value();
  const std::uint64_t rev = set.rev.value();
  for (const Change& change : set.changes) {
    const auto it = rows_.find({ns, change.key});
    if (it != rows_.end() && it->second.rev > rev) continue;
    if (change.op == ChangeOp::put) {
      rows_[{ns, change.key}] = {change.value, rev, change.version};
    } else if (it != rows_.end()) {
      rows_.erase(it);
    }
  }
}

void Replica::step() {
  if (waiting_) return;
  // A heartbeat told of another broker: it asks, with what it has.
  if (phase_ == Phase::live && epoch_ != world_.epoch) phase_ = Phase::changes;
  if (phase_ == Phase::snapshot) ask_snapshot();
  if (phase_ == Phase::changes && !waiting_) ask_changes();
}

void Replica::ask_snapshot() {
  SnapshotRequest request;
  (exactly_ ? request.ns : request.under) = under_;
  if (cursor_) request.after = *cursor_;
  request.max_bytes = 1 + world_.pick(400);
  const std::optional<Epoch> epoch = cursor_ ? epoch_ : std::nullopt;
  if (!cursor_) heard_.clear();
  Ask ask;
  ask.what = "snapshot";
  ask.check = [this](const Ask&, const ReplyHeader& header) {
    waiting_ = false;
    if (header.error) return fail(header);
    if (!cursor_) epoch_ = header.epoch;
    const auto chunk = codec::decode_snapshot_reply(header);
    demand(chunk.has_value(), "a snapshot chunk is well-formed");
    take_chunk(*chunk, header.rev.value());
  };
  waiting_ = true;
  world_.send({{}, {}, epoch, request}, std::move(ask));
}

void Replica::take_chunk(const SnapshotReply& chunk, std::uint64_t rev) {
  demand(rev >= chunk_rev_, "a chunk is not older than the one before it");
  demand(chunk.more == chunk.after.has_value(), "`after` comes with `more` and only then");
  chunk_rev_ = rev;
  if (!cursor_) first_rev_ = rev;
  check_chunk(chunk, rev);
  for (const auto& [ns, head] : chunk.heads) {
    demand(follows(ns) && seqs_.emplace(ns, head.seq.value()).second, "a namespace's head comes once");
  }
  for (const Entry& entry : chunk.entries) {
    demand(seqs_.count(entry.ns) != 0, "a namespace's head comes with its first key");
    rows_[{entry.ns, entry.key}] = {entry.value, entry.rev.value(), entry.version};
  }
  cursor_ = chunk.after;
  if (chunk.more) return;
  synced_rev_ = first_rev_;
  phase_ = Phase::changes;
}

void Replica::check_chunk(const SnapshotReply& chunk, std::uint64_t rev) {
  const auto expected = world_.model.entries(rev, [this](const std::string& ns, const std::string& key) {
    return follows(ns) && std::pair(ns, key) > last_;
  });
  demand(chunk.entries.size() <= expected.size(), "a chunk holds nothing that is not there");
  if (!chunk.more) demand(chunk.entries.size() == expected.size(), "the last chunk ends with the last entry");
  for (std::size_t i = 0; i < chunk.entries.size(); ++i) {
    demand_entry(chunk.entries[i], expected[i]);
    demand(chunk.entries[i].value == expected[i].version->value, "a value byte for byte");
  }
  for (const auto& [ns, head] : chunk.heads) {
    const auto wanted = world_.model.head(ns, rev);
    demand(wanted.has_value() || exactly_, "only namespaces that had a transaction are named");
    demand_head(head, wanted.value_or(HeadAt{}));
    bool has_first = false, is_empty = !wanted || wanted->keys == 0;
    for (const Entry& entry : chunk.entries) has_first = has_first || entry.ns == ns;
    demand(has_first || is_empty, "a head comes only with the namespace's first key");
  }
  if (!chunk.entries.empty()) last_ = {chunk.entries.back().ns, chunk.entries.back().key};
}

void Replica::ask_changes() {
  ChangesRequest request;
  Ask ask;
  if (exactly_) {
    request.since.emplace_back(under_, Seq(seqs_[under_]));
  } else {
    request.under = under_;
    request.since_rev = Revision(synced_rev_);
    ask.waits_for = synced_rev_;
  }
  if (cursor_) request.page.after = *cursor_;
  if (world_.chance(2)) request.page.limit = 1 + world_.pick(4);
  ask.what = "catch up";
  ask.check = [this](const Ask&, const ReplyHeader& header) {
    waiting_ = false;
    if (header.error) return fail(header);
    const auto changes = codec::decode_changes_reply(header);
    demand(changes && changes->failed.empty(), "changes are well-formed");
    take_changes(*changes, header.rev.value());
  };
  waiting_ = true;
  world_.send({{}, {}, epoch_, std::move(request)}, std::move(ask));
}

void Replica::fail(const ReplyHeader& header) {
  const ErrorCode code = header.error->code;
  if (code == ErrorCode::other_history && epoch_ && epoch_ != header.epoch) {
    ++resyncs_;
    begin_anew();
  } else if (code == ErrorCode::compacted) {
    demand(world_.keep != 0, "compacted needs retention");
    begin_anew();
  }
}

// What it missed is gone, or what it has never was: a snapshot replaces it.
void Replica::begin_anew() {
  epoch_.reset();
  phase_ = Phase::snapshot;
  cursor_.reset();
  seqs_.clear();
  rows_.clear();
  last_ = {};
  chunk_rev_ = 0;
}

void Replica::take_changes(const ChangesReply& changes, std::uint64_t rev) {
  for (const auto& set : changes.sets) apply(set, false);
  // Of a single name: ask anew from its seq. Of a subtree: go on behind the cursor.
  cursor_ = exactly_ ? std::nullopt : changes.after;
  if (changes.more) return;
  synced_rev_ = rev;
  phase_ = Phase::live;
  for (const NamedSet& set : std::exchange(heard_, {})) apply(set, true);
}

void Replica::after_restart() {
  waiting_ = false;
  if (phase_ == Phase::snapshot) return;  // the cursor outlives the broker
  if (phase_ == Phase::live && epoch_ != world_.epoch && world_.chance(2)) return;
  phase_ = Phase::changes;
  cursor_.reset();
}

void Replica::compare() const {
  if (!live()) return;
  std::size_t rows = 0;
  for (const auto& [ns, seq] : seqs_) {
    if (seq == 0) continue;
    const Set* set = world_.model.set(ns, seq);
    demand(set != nullptr, "a follower holds nothing that was not acknowledged");
    demand(world_.model.head_seq(ns) == seq, "I6: a follower that is live has heard all");
    const std::string& name = ns;
    for (const LiveEntry& entry : world_.model.entries(
             set->rev, [&name](const std::string&n, const std::string&) { return n == name; })) {
      const auto row = rows_.find({ns, entry.key});
      demand(row != rows_.end(), "I5: a follower has every key");
      demand(row->second.rev == entry.version->rev && row->second.version == entry.version->version &&
                 row->second.value == entry.version->value,
             "I5: a follower's entry equals the broker's");
      ++rows;
    }
  }
  demand(rows == rows_.size(), "I5: a follower has no key that is gone");
  for (const std::string& ns : world_.model.namespaces(world_.model.last())) {
    if (follows(ns)) demand(seqs_.count(ns) != 0, "I6: a follower knows every namespace");
  }
}

}  // namespace prismbus::model
