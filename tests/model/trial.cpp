#include "tests/model/trial.hpp"

#include "proto/wire/codec/request.hpp"
#include "tests/model/past.hpp"
#include "tests/model/whole.hpp"

namespace prismbus::model {

Trial::Trial(std::uint64_t seed, std::string dir, bool tracing)
    : world_(seed, std::move(dir), tracing),
      stream_(world_),
      writes_(world_, stream_),
      reads_(world_),
      care_(world_) {
  world_.ear = &stream_;
  world_.on_lost = [this](const Ask& ask) { writes_.lost(ask); };
}

Tally Trial::run() {
  world_.open();
  replicas_.push_back(std::make_unique<Replica>(world_, stream_, "", false));
  replicas_.push_back(std::make_unique<Replica>(world_, stream_, "a", false));
  replicas_.push_back(std::make_unique<Replica>(world_, stream_, random_namespace(world_), true));
  if (world_.chance(60)) burst();
  for (std::uint64_t n = 50 + world_.pick(250); n > 0; --n) act();
  finish();
  tally_.requests = world_.replies;
  tally_.writes = writes_.applied();
  tally_.pages = reads_.pages();
  tally_.markers = stream_.markers;
  tally_.trimmed = world_.broker->store.journal.meta().floor.value();
  tally_.compacted = world_.compacted;
  tally_.faults = world_.journal_disk.hits + world_.state_disk.hits;
  tally_.backups = care_.backups;
  tally_.restores = care_.restores;
  tally_.rebuilds = care_.rebuilds;
  tally_.refused_rebuilds = care_.refused_rebuilds;
  for (const auto& replica : replicas_) tally_.resyncs += replica->resyncs();
  return tally_;
}

void Trial::act() {
  if (world_.broker->pipeline.fatal() != Fatal::none && world_.chance(4)) return restart(random_between());
  if (world_.draining && world_.broker->pipeline.drained()) return restart(random_between());
  const std::uint64_t dice = world_.pick(100);
  if (dice < 28) {
    writes_.send_random();
  } else if (dice < 40) {
    reads_.send_random();
  } else if (dice < 46 && world_.has_follow_up()) {
    world_.send_follow_up();
  } else if (dice < 52) {
    replicas_[world_.pick(replicas_.size())]->step();
  } else if (dice < 54) {
    reads_.send_malformed();
  } else if (dice < 60) {
    let_time_pass();
  } else if (dice < 62) {
    meet_disk();
  } else if (dice == 62 && world_.chance(3)) {
    restart(random_between());
  } else if (dice == 63 && world_.chance(10)) {
    drain();
  } else if (dice == 64) {
    check_past(world_);
  } else if (dice == 65 || dice == 66) {
    care_.send_backup();
  } else if (dice < 70) {
    care_.step();
  } else if (dice == 70 && world_.chance(4)) {
    care_.restore_under_broker();
  } else {
    step_broker();
  }
}

void Trial::step_broker() {
  FakeBroker& broker = *world_.broker;
  const std::uint64_t dice = world_.pick(12);
  if (dice < 5) {
    bus_step();
  } else if (dice < 7) {
    broker.pipeline.flush(world_.now);
  } else if (dice < 9) {
    broker.journal.step(world_.now);
  } else if (dice < 11) {
    broker.reader.step();
  } else {
    broker.fold.step(world_.now);
  }
}

void Trial::bus_step() {
  world_.broker->pipeline.step(world_.now);
  stream_.after_step();
  for (const auto& replica : replicas_) replica->compare();
  if (world_.chance(20)) {
    const std::string topic =
        "\xff"
        "bar/" +
        std::to_string(1'000'000'000'000'000 + world_.pick(1'000'000));
    stream_.expect_barrier(topic);
    world_.broker->pipeline.on_subscription(Lane::changes, "\x01" + topic);
    demand(stream_.barrier_came(), "a barrier subscription is answered");
    world_.broker->pipeline.on_subscription(Lane::changes,
                                            "\x01"
                                            "a/");
  }
}

void Trial::let_time_pass() {
  const std::uint64_t dice = world_.pick(100);
  if (dice < 60) return world_.advance(std::chrono::microseconds(world_.pick(3000)));
  if (dice < 85) return world_.advance(std::chrono::milliseconds(world_.pick(1200)));
  if (dice < 99) return world_.advance(std::chrono::milliseconds(world_.pick(6000)));
  world_.advance(std::chrono::minutes(world_.pick(90)));
}

void Trial::meet_disk() {
  using Mood = FakeDisk::Mood;
  FakeDisk& disk = world_.chance(2) ? world_.journal_disk : world_.state_disk;
  if (disk.mood != Mood::sound) {
    disk.mood = Mood::sound;
    return world_.trace("--- disk healed");
  }
  if (!world_.chance(3)) return;
  const std::uint64_t dice = world_.pick(10);
  disk.mood = dice < 4   ? Mood::full
              : dice < 8 ? Mood::full_at_commit
              : dice < 9 ? Mood::broken
                         : Mood::unknown;
  if (&disk == &world_.journal_disk) world_.read_only_possible = true;
  world_.trace(std::string("--- ") + (&disk == &world_.journal_disk ? "journal" : "state") + " disk fails " +
               std::to_string(static_cast<int>(disk.mood)));
}

void Trial::drain() {
  world_.trace("--- drain");
  world_.broker->pipeline.drain();
  world_.draining = true;
}

Trial::Between Trial::random_between() {
  const std::uint64_t dice = world_.pick(8);
  if (dice < 3 && care_.has_backups()) return Between::restore;
  return dice == 3 ? Between::rebuild : Between::nothing;
}

void Trial::restart(Between between) {
  ++tally_.restarts;
  world_.crash();
  world_.journal_disk.mood = world_.state_disk.mood = FakeDisk::Mood::sound;
  world_.advance(std::chrono::milliseconds(world_.pick(300)));
  if (between == Between::restore) {
    care_.restore();
    writes_.went_back();
  }
  if (between == Between::rebuild) care_.rebuild();
  world_.open();
  recover(between == Between::restore);
  stream_.after_restart();
  if (between != Between::nothing) check_recovered(between);
  for (const auto& replica : replicas_) replica->after_restart();
}

// What was durable at the crash and never answered is read back and matched with its attempts.
void Trial::recover(bool restored) {
  const std::uint64_t durable = world_.broker->store.journal.meta().last.value();
  demand(durable >= world_.model.last(), "what is acknowledged survives a restart");
  if (durable == world_.model.last()) return;
  std::map<std::uint64_t, std::vector<NamedSet>> by_rev;
  for (auto& set : ask_recovered().sets) by_rev[set.second.rev.value()].push_back(std::move(set));
  for (const auto& [rev, sets] : by_rev) {
    writes_.recover(rev, sets, restored);
    ++tally_.recovered;
  }
  demand(world_.model.last() == durable, "I1: what is recovered has no hole");
}

void Trial::check_recovered(Between between) {
  if (between == Between::rebuild) care_.check_rebuilt();
  check_whole(world_);
  writes_.repeat_all();
  check_past(world_);
}

ChangesReply Trial::ask_recovered() {
  ChangesReply all;
  std::optional<std::string> cursor;
  do {
    ChangesRequest request;
    request.under = "";
    request.since_rev = Revision(world_.model.last());
    if (cursor) request.page.after = *cursor;
    world_.ask_aside({{false, 1}, {}, {}, request}, [&](const ReplyHeader& header) {
      demand(!header.error.has_value(), "changes answers at once after a start");
      auto page = codec::decode_changes_reply(header);
      demand(page.has_value(), "changes are well-formed");
      for (auto& set : page->sets) all.sets.push_back(std::move(set));
      cursor = page->after;
    });
  } while (cursor);
  return all;
}

void Trial::burst() {
  for (std::uint64_t n = 300 + world_.pick(900); n > 0; --n)
    writes_.send_put(random_namespace(world_), random_key(world_));
}

// Everybody gets his turn until nothing moves any more.
void Trial::settle() {
  for (int idle = 0, rounds = 0; idle < 8; ++rounds) {
    demand(rounds < 5000, "the broker comes to rest");
    if (world_.broker->pipeline.fatal() != Fatal::none) restart();
    FakeBroker& broker = *world_.broker;
    while (world_.has_follow_up()) world_.send_follow_up();
    broker.pipeline.flush(world_.now);
    broker.journal.step(world_.now);
    broker.fold.step(world_.now);
    broker.reader.step();
    care_.step();
    bus_step();
    bool joined = true;
    for (const auto& replica : replicas_) {
      replica->step();
      joined = joined && replica->live();
    }
    world_.advance(std::chrono::milliseconds(400));
    idle = world_.asks.empty() && !world_.has_follow_up() && joined ? idle + 1 : 0;
  }
}

void Trial::take_write() {
  const std::uint64_t acknowledged = writes_.acknowledged();
  for (int tries = 0; tries < 5 && writes_.acknowledged() == acknowledged; ++tries) {
    writes_.send_put("a", "the end");
    settle();
  }
  demand(writes_.acknowledged() == acknowledged + 1, "a healed broker takes writes again");
}

void Trial::finish() {
  world_.journal_disk.mood = world_.state_disk.mood = FakeDisk::Mood::sound;
  if (world_.broker->pipeline.fatal() != Fatal::none || world_.draining || world_.chance(4))
    restart(random_between());
  settle();
  world_.advance(std::chrono::seconds(10));
  settle();
  take_write();
  reads_.send_everything();
  settle();
  const Between between = random_between();
  restart(between);
  if (between != Between::nothing) take_write();
  reads_.send_everything();
  settle();
  for (const auto& replica : replicas_) {
    demand(replica->live(), "every follower is live in the end");
    replica->compare();
  }
  check_past(world_);
  const auto report = audit(world_.broker->store.journal, world_.broker->store.state);
  demand(report.has_value(), "the store can be audited");
  if (!report->findings.empty()) throw Violation("the store is sound, but: " + report->findings.front());
  demand(report->last.value() == world_.model.last(), "the journal ends with the last revision");
}

}  // namespace prismbus::model
