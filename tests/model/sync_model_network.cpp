// The bad network and the checks of a sync_state trial (sync_model_world.hpp).
#include <fmt/format.h>

#include <algorithm>

#include "proto/base/hash.hpp"
#include "proto/wire/names.hpp"
#include "subscriber/view/shown_entries.hpp"
#include "tests/model/sync_model_world.hpp"

namespace prismbus::sync_model {

using namespace std::chrono_literals;

// ---- the stream ----

void World::open_lane(Lane lane, const std::vector<std::string>&) {
  Link& link = links_[static_cast<std::size_t>(lane)];
  link = Link{};
  link.open = true;
  link.up_at = in(delay_ms_);
}

void World::close_lane(Lane lane) {
  links_[static_cast<std::size_t>(lane)] = Link{};
}

void World::subscribe(Lane lane, const std::string& topic) {
  Link& link = links_[static_cast<std::size_t>(lane)];
  link.wanted.insert(topic);
  if (link.up) link.on_the_way.push_back({in(delay_ms_), {true, topic}});
}

void World::unsubscribe(Lane lane, const std::string& topic) {
  Link& link = links_[static_cast<std::size_t>(lane)];
  link.wanted.erase(topic);
  if (link.up) link.on_the_way.push_back({in(delay_ms_), {false, topic}});
}

// The connection is made anew behind the client's back: what was on the way is
// lost.
void World::remake(Link& link) {
  link.up = false;
  link.up_at = in(800);
  link.in_force.clear();
  link.on_the_way.clear();
  link.frames.clear();
}

void World::send(Link& link, Frame frame) {
  if (!link.open || !link.up) return;
  const bool wanted = std::any_of(link.in_force.begin(), link.in_force.end(),
                                  [&](const std::string& topic) { return frame.topic.starts_with(topic); });
  if (!wanted || (!calm_ && random_.percent(drop_))) return;
  auto& queue = link.frames[frame.topic];
  frame.at = in(delay_ms_);
  if (!queue.empty()) frame.at = std::max(frame.at, queue.back().at);
  if (!calm_ && random_.percent(twice_)) queue.push_back(frame);
  queue.push_back(std::move(frame));
}

void World::step_link(Lane lane) {
  Link& link = links_[static_cast<std::size_t>(lane)];
  if (!link.open || down_) return;
  if (!link.up && now_.steady >= link.up_at) {
    link.up = true;
    for (const std::string& topic : link.wanted) link.on_the_way.push_back({now_.steady, {true, topic}});
  }
  while (!link.on_the_way.empty() && link.on_the_way.front().first <= now_.steady) {
    const auto [add, topic] = link.on_the_way.front().second;
    link.on_the_way.pop_front();
    if (!add) {
      link.in_force.erase(topic);
      continue;
    }
    link.in_force.insert(topic);
    if (!topic.starts_with(kBarrierPrefix)) continue;
    Frame frame;
    frame.topic = topic;
    frame.barrier = Barrier{broker().epoch(), Run(run_ * 10 + current_), Revision(broker().rev())};
    send(link, std::move(frame));
  }
  if (now_.steady >= link.next_beat) {
    link.next_beat = now_.steady + 1s;
    Frame frame;
    frame.topic = std::string(kHeartbeatTopic);
    frame.beat = Heartbeat{broker().epoch(), Run(run_ * 10 + current_), Revision(broker().rev()), 1000, {}};
    send(link, std::move(frame));
  }
  std::vector<std::string> topics;
  for (const auto& [topic, queue] : link.frames) topics.push_back(topic);
  std::shuffle(topics.begin(), topics.end(), random_.engine);
  for (const std::string& topic : topics) {
    // A handler may open the lane anew: the queue is looked up each time.
    while (true) {
      const auto found = link.frames.find(topic);
      if (found == link.frames.end() || found->second.empty() || found->second.front().at > now_.steady)
        break;
      Frame frame = std::move(found->second.front());
      found->second.pop_front();
      ++summary_.frames;
      if (frame.beat) {
        sync_->on_heartbeat(lane, *frame.beat, now_);
      } else if (frame.barrier) {
        sync_->on_barrier(lane, frame.topic, *frame.barrier, now_);
      } else {
        sync_->on_sets(lane, std::string_view(frame.topic).substr(0, frame.topic.size() - 1),
                       std::move(frame.sets), now_);
      }
    }
  }
}

// ---- what is shown ----

bool World::followed(const std::string& ns) const {
  return std::find(exact_.begin(), exact_.end(), ns) != exact_.end() ||
         std::any_of(under_.begin(), under_.end(),
                     [&](const std::string& under) { return covers(under, ns); });
}

void World::take() {
  SyncUpdate update = sync_->take_update();
  if (update.root != nullptr) store_.publish(update.root);
  check_events(update.events);
  if (update.root != nullptr) check_picture(update.events);
  store_.retire(std::move(update.garbage));
  check_syncs();
}

void World::call_sync() {
  const std::uint64_t kind = random_.below(3);
  std::vector<std::string> names;
  if (kind == 2) names.push_back(exact_.empty() ? under_[0].empty() ? "c" : under_[0] : exact_[0]);
  const auto id = sync_->begin_sync(static_cast<SyncKind>(kind), names,
                                    std::chrono::milliseconds(random_.below(30'000)), now_);
  if (!id) return;  // too soon after another one
  Called called{broker().epoch(), kind == 0, {}};
  for (const auto& [ns, n] : broker().namespaces()) {
    if (followed(ns) && (names.empty() || names[0] == ns)) called.seqs[ns] = n.seq;
  }
  called_.emplace(*id, std::move(called));
}

// A complete sync shows at least what the broker had when it was asked for; and its report says what is
// shown.
void World::check_syncs() {
  const View view = store_.view();
  for (const auto& [id, report] : sync_->take_reports()) {
    ++summary_.syncs;
    const Called called = called_.at(id);
    called_.erase(id);
    for (const NamespaceSync& sync : report.namespaces) {
      // What was born after its subtree's snapshot came by changes alone.
      const auto then = called.seqs.find(sync.ns);
      const bool there = then != called.seqs.end() && then->second > 0 && !cluster_;
      if (called.full && there && !sync.error && sync.how != SyncHow::snapshot && sync.after > Seq()) {
        wrong(sync.ns + ": a full sync without a snapshot");
      }
    }
    if (!report.complete()) ++summary_.syncs_incomplete;
    // Brokers of a cluster may answer from behind each other.
    if (!report.complete() || cluster_ || called.epoch != broker().epoch() || view.epoch() != called.epoch)
      continue;
    for (const auto& [ns, seq] : called.seqs) {
      const auto shown = view.seq(ns);
      if (!shown || shown->value() < seq) {
        wrong(fmt::format("a sync is complete, {} had seq {} and {} is shown", ns, seq,
                          shown ? shown->value() : 0));
      }
    }
  }
}

// The callbacks, added up, give the picture; in a namespace seqs ascend within
// a history.
void World::check_events(const std::vector<SyncEvent>& events) {
  const Epoch epoch = ViewStore::root_of(store_.view()).epoch;
  for (const SyncEvent& event : events) {
    if (event.kind == SyncEvent::Kind::state) continue;
    ++summary_.events;
    auto& [last_epoch, last] = told_seq_[*event.ns];
    const std::uint64_t seq = event.set->seq.value();
    if (last_epoch == epoch && seq < last)
      wrong(fmt::format("{}: event of seq {} after {}", *event.ns, seq, last));
    const bool steps = last_epoch == epoch && !event.resync && last != 0;
    if (event.kind == SyncEvent::Kind::moved && steps && seq != last && seq != last + 1) {
      wrong(fmt::format("{}: a hidden gap from {} to {}", *event.ns, last, seq));
    }
    if (event.kind == SyncEvent::Kind::moved) {
      last_epoch = epoch;
      last = seq;
      continue;
    }
    const EntryLeaf* before = event.change.before;
    const EntryLeaf* after = event.change.after;
    const std::string key(event.change.leaf().key());
    if (event.change.reach != Reach::readers) {
      auto& written = written_[*event.ns];
      if (after == nullptr) {
        written.erase(key);
      } else {
        written[key] = {std::string(after->value()), after->rev.value(), after->version};
      }
    }
    if (event.change.reach == Reach::replica) continue;
    auto& rows = told_[*event.ns];
    if ((before != nullptr) != rows.contains(key))
      wrong(*event.ns + ": an event's `before` is not what was told");
    if (after == nullptr) {
      rows.erase(key);
    } else {
      rows[key] = {std::string(after->value()), after->rev.value(), after->version};
    }
  }
}

// Whatever is shown is a state the namespace really had at that seq (I5, I11), but for what is kept back.
void World::check_picture(const std::vector<SyncEvent>& events) {
  std::set<std::string> resynced;  // a cache takes the whole picture then
  for (const SyncEvent& event : events) {
    if (event.resync) resynced.insert(*event.ns);
  }
  const View view = store_.view();
  const ViewRoot& root = ViewStore::root_of(view);
  root.namespaces.for_each([&](const NamespaceLeaf& leaf) {
    if (!followed(*leaf.name)) wrong(*leaf.name + " is shown and not followed");
    if (!leaf.shown) {
      if (resynced.contains(*leaf.name)) written_.erase(*leaf.name);
      return;
    }
    const bool true_once = std::any_of(histories_.begin(), histories_.end(), [&](const auto& history) {
      const auto found = history->hashes.find(*leaf.name);
      if (leaf.seq == Seq()) return leaf.content_hash == 0;
      return found != history->hashes.end() && leaf.seq.value() < found->second.size() &&
             found->second[leaf.seq.value()] == leaf.content_hash;
    });
    if (!true_once) wrong(fmt::format("{} shows a state it never had, seq {}", *leaf.name, leaf.seq.value()));
    Rows rows;
    leaf.entries.for_each([&](const EntryLeaf& e) {
      rows[std::string(e.key())] = {std::string(e.value()), e.rev.value(), e.version};
    });
    if (resynced.contains(*leaf.name)) written_[*leaf.name] = rows;
    if (rows != written_[*leaf.name]) wrong(*leaf.name + ": the events do not add up to the replica");
    Rows seen;
    ShownEntries(leaf).for_each([&](const EntryLeaf& e) {
      const std::string value(e.value());
      if (picky_ && !refusal_of(std::string(e.key()), &value).empty())
        wrong(*leaf.name + ": a refused value is shown");
      seen[std::string(e.key())] = {value, e.rev.value(), e.version};
    });
    if (seen != told_[*leaf.name]) wrong(*leaf.name + ": the events do not add up to the picture");
    if ((leaf.kept.size() != 0) != (leaf.rejected != nullptr))
      wrong(*leaf.name + ": kept back without a reason");
    if (hash_of(rows) != leaf.content_hash) wrong(*leaf.name + ": the hash is not that of the entries");
  });
}

// Readers see the broker's entry of every key that is not kept back, and the broker knows what stands.
void World::check_shown_end(const std::string& ns, const Rows& rows, const NamespaceLeaf& leaf) const {
  const ShownEntries shown(leaf);
  std::size_t keys = 0;
  for (const auto& [key, row] : rows) {
    if (leaf.kept.find(xxh3_64(key), key) != nullptr) continue;
    ++keys;
    const EntryLeaf* e = shown.find(xxh3_64(key), key);
    if (e == nullptr || e->value() != row.value || e->rev.value() != row.rev || e->version != row.version) {
      wrong(ns + " " + key + " ends with another value");
    }
  }
  leaf.kept.for_each([&](const KeptLeaf& kept) { keys += kept.shown != nullptr ? 1 : 0; });
  if (shown.size() != keys) wrong(ns + " ends with another number of keys");
  if (!leaf.rejected) return;
  if (!picky_) wrong(ns + " keeps something back without a validator");
  for (const RejectedChange& r : *leaf.rejected) {
    const auto there = rows.find(r.key);
    const std::string reason = refusal_of(r.key, there == rows.end() ? nullptr : &there->second.value);
    if (reason != r.reason) wrong(ns + " " + r.key + " is kept back for another reason");
    const std::string told = fmt::format("{} {} {} {}", ns, r.key, r.seq.value(), r.reason);
    if (acks_ && !follower_.rejected.contains(told)) wrong("the broker was not told: " + told);
  }
}

void World::check_end() {
  const View view = store_.view();
  for (const auto& [ns, rows] : history_->rows) {
    if (!followed(ns) || history_->seqs[ns] == 0) continue;
    const auto shown = view.in(ns);
    if (!shown) wrong(ns + " is not shown at the end");
    if (shown->seq().value() != history_->seqs[ns]) {
      wrong(fmt::format("{} ends at seq {}, the broker at {}", ns, shown->seq().value(), history_->seqs[ns]));
    }
    if (shown->hash() != hash_of(rows)) wrong(ns + " ends with another hash");
    const NamespaceLeaf* leaf = ViewStore::root_of(view).namespaces.find(xxh3_64(ns), ns);
    check_shown_end(ns, rows, *leaf);
  }
  for (const std::string& ns : view.namespaces()) {
    if (view.in(ns)->size() != 0 && history_->seqs[ns] == 0) wrong(ns + " is shown and does not exist");
  }
}

}  // namespace prismbus::sync_model
