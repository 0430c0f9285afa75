#include "tests/model/stream_check.hpp"

#include <algorithm>

namespace prismbus::model {

void StreamCheck::hear(Lane lane, const std::string& frame) {
  demand(lane == Lane::changes, "there is one lane");
  const auto split = codec::split_stream_frame(frame);
  demand(split.has_value(), "a frame has a topic");
  if (split->kind == codec::StreamFrame::Kind::heartbeat) {
    const auto beat = codec::decode_heartbeat(split->body);
    demand(beat && beat->epoch == world_.epoch && beat->run == world_.settings.pipeline.run,
           "a heartbeat names its broker");
    demand(beat->rev.value() == world_.model.last(), "a heartbeat carries the applied revision");
    ++heartbeats;
    return;
  }
  if (split->kind == codec::StreamFrame::Kind::barrier) {
    const auto barrier = codec::decode_barrier(split->body);
    demand(barrier && barrier->epoch == world_.epoch, "a barrier names its broker");
    demand(split->topic == barrier_, "a barrier answers one subscription");
    barrier_.clear();
    return;
  }
  auto sets = codec::decode_change_sets(split->body);
  demand(sets && !sets->empty(), "a frame holds change sets");
  const std::string ns(split->ns);
  if (sets->front().is_marker()) {
    demand(sets->size() == 1, "a marker stands alone");
    return hear_marker(ns, sets->front());
  }
  for (ChangeSet& set : *sets) hear_set(ns, std::move(set));
}

void StreamCheck::hear_set(const std::string& ns, ChangeSet set) {
  world_.trace("  ~ " + ns + " seq " + std::to_string(set.seq.value()) + " rev " +
               std::to_string(set.rev.value()));
  demand(set.rev <= world_.broker->store.journal.meta().last,
         "I2: nothing is published before it is durable");
  demand(set.rev.value() > world_.model.last(), "a set is published once, before it is acknowledged");
  demand(set.seq.value() == ++published_[ns], "I3: sets leave in seq order, without a hole");
  NamedSet named{ns, std::move(set)};
  for (const auto& follower : followers) follower(named);
  unacknowledged_[named.second.rev.value()].push_back(std::move(named));
}

void StreamCheck::hear_marker(const std::string& ns, const ChangeSet& marker) {
  ++markers;
  const auto head = world_.model.head(ns, world_.model.last());
  demand(head.has_value(), "a marker is of a namespace that had a transaction");
  demand(marker.epoch == world_.epoch && marker.seq.value() == head->seq && marker.rev.value() == head->rev &&
             to_micros(marker.time) == head->time,
         "a marker is the namespace's head");
  demand(marker.hash == head->hash, "a marker carries the hash of the content");
}

std::vector<NamedSet> StreamCheck::take(std::uint64_t rev) {
  const auto node = unacknowledged_.extract(rev);
  demand(!node.empty(), "what is acknowledged was published before");
  auto sets = node.mapped();
  std::sort(sets.begin(), sets.end(), [](const NamedSet& a, const NamedSet& b) { return a.first < b.first; });
  return sets;
}

void StreamCheck::after_step() const {
  demand(unacknowledged_.empty(), "what is published is acknowledged in the same step");
}

void StreamCheck::after_restart() {
  unacknowledged_.clear();
  published_.clear();
  for (const std::string& ns : world_.model.namespaces(world_.model.last())) {
    published_[ns] = world_.model.head_seq(ns);
  }
}

void demand_sets(const World& world, std::uint64_t rev, const std::vector<NamedSet>& sets) {
  const Outcome& outcome = world.model.outcome(rev);
  demand(sets.size() == outcome.seqs.size(), "I11: a transaction is one set in each namespace it touches");
  for (const auto& [ns, set] : sets) {
    const auto seq = outcome.seqs.find(ns);
    demand(seq != outcome.seqs.end() && set.seq.value() == seq->second, "a set has the namespace's next seq");
    const Set& expected = *world.model.set(ns, seq->second);
    demand(set.epoch == world.epoch && set.rev.value() == rev, "a set names its history and revision");
    demand(to_micros(set.time) == expected.time && set.by == "anonymous", "a set tells when and by whom");
    demand(set.note == expected.note, "a set carries its transaction's note");
    demand(set.changes.size() == expected.changes.size(), "I11: a set holds all changes of its namespace");
    for (std::size_t i = 0; i < set.changes.size(); ++i) {
      const Change& change = set.changes[i];
      const SetChange& wanted = expected.changes[i];
      demand((change.op == ChangeOp::put) == wanted.put && change.key == wanted.key, "changes in `do` order");
      demand(change.value == (wanted.put ? wanted.value : std::string()), "a value byte for byte");
      demand(change.version == wanted.version, "versions count the writes of an entry");
    }
  }
}

}  // namespace prismbus::model
