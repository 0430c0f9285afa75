#include "tests/model/world.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "proto/wire/codec/request.hpp"

namespace prismbus::model {
namespace {

constexpr std::uint64_t kAside = 999'999;  // a connection

std::string routing_id_of(std::uint64_t connection) {
  return "peer " + std::to_string(connection);
}

// Settings that make every limit reachable in a hundred requests.
void make_small(World& world) {
  PipelineSettings& p = world.settings.pipeline;
  p.recent_changes_max = 5 + world.pick(40);
  p.pending_bytes_max = 2000 + world.pick(8000);
  p.parked_max = 1 + world.pick(4);
  p.connection_in_flight_max = 1 + world.pick(6);
  p.reads_waiting_max = 1 + world.pick(8);
  world.settings.read_queue = 1 + world.pick(4);
}

}  // namespace

World::World(std::uint64_t seed, std::string dir, bool trace_it) : random(seed), tracing(trace_it) {
  now.steady = Steady(std::chrono::hours(1));
  now.wall = Wall(std::chrono::hours(24 * 365 * 50));
  std::filesystem::create_directories(dir);
  settings.dir = dir + "/data";
  settings.backup.dir = dir + "/backups";
  settings.backup.piece_bytes = chance(4) ? 4u << 20 : 200 + pick(8000);
  PipelineSettings& p = settings.pipeline;
  p.run = Run(random());
  p.batch_txns_max = chance(2) ? 8192 : 1 + pick(4);
  p.frame_bytes_target = chance(2) ? 64u << 10 : 100;
  p.markers_per_second = chance(3) ? 1 + pick(3) : 2000;
  settings.fold.changes_min = 1 + pick(30);
  settings.fold.changes_max = settings.fold.changes_min + pick(30);
  settings.fold.wait_max = std::chrono::milliseconds(pick(2000));
  if (chance(2)) {
    keep = 1 + (chance(2) ? pick(8) : pick(80));
    settings.fold.retention = {keep, std::chrono::seconds(0), std::chrono::seconds(0)};
  }
  small_limits = chance(4);
  if (small_limits) make_small(*this);
}

void World::trace(const std::string& line) {
  if (tracing) std::cerr << line << '\n';
}

void World::advance(std::chrono::nanoseconds by) {
  now.steady += by;
  now.wall += std::chrono::duration_cast<std::chrono::microseconds>(by);
  if (chance(50)) now.wall -= std::chrono::milliseconds(pick(5000));  // somebody sets the clock
}

void World::open() {
  settings.pipeline.run = Run(random());
  settings.backup.keep_free = chance(12) ? std::uint64_t{1} << 62 : 0;
  broker = std::make_unique<FakeBroker>(settings, journal_disk, state_disk, *this, *this);
  if (epoch == Epoch(0)) epoch = broker->store.journal.meta().epoch;
  demand(broker->store.journal.meta().epoch == epoch, "a history keeps its epoch");
  draining = false;
  read_only_possible = false;
  trace("--- open: last " + std::to_string(broker->store.journal.meta().last.value()) + " folded " +
        std::to_string(broker->store.state.meta().folded.value()));
}

void World::crash() {
  trace("--- crash");
  broker.reset();
  const auto lost = std::move(asks);
  asks.clear();
  for (const auto& [id, ask] : lost) on_lost(ask);
}

void World::send(Request request, Ask ask) {
  request.id = MessageId{false, next_id_};
  if (speaking_for_) {
    if (chance(2)) request.epoch = speaking_for_;  // else its cursor tells
  } else if (!request.epoch) {
    if (chance(2)) request.epoch = epoch;
    if (chance(former.empty() ? 100 : 20)) request.epoch = other_epoch();
  }
  ask.other_epoch = speaking_for_.value_or(request.epoch.value_or(epoch)) != epoch;
  send_raw(codec::encode_request(request), std::move(ask));
}

// One that was before, or that never was.
Epoch World::other_epoch() {
  return former.empty() || chance(4) ? Epoch(epoch.value() + 1) : former[pick(former.size())];
}

void World::send_follow_up() {
  const auto next = std::move(follow_ups_.front());
  follow_ups_.pop_front();
  speaking_for_ = next.first;
  next.second();
  speaking_for_.reset();
}

void World::begin_history(Epoch next) {
  demand(next != epoch && std::find(former.begin(), former.end(), next) == former.end(),
         "a restored store has an epoch that never was");
  former.push_back(epoch);
  epoch = next;
}

void World::send_raw(std::string_view payload, Ask ask) {
  ask.id = next_id_++;
  ask.connection = ask.alone ? 1'000'000 + ask.id : 1 + pick(4);
  ask.last_when_sent = model.last();
  ask.sent = now.steady;
  if (tracing) trace("> " + std::to_string(ask.id) + " " + ask.what);
  const ReplyTo from{ConnectionId(ask.connection), routing_id_of(ask.connection), {}};
  asks.emplace(ask.id, std::move(ask));
  broker->pipeline.on_request(from, payload, now);
}

void World::ask_aside(const Request& request, std::function<void(const ReplyHeader&)> take) {
  bool answered = false;
  aside_ = [&](const ReplyHeader& header) {
    take(header);
    answered = true;
  };
  broker->pipeline.on_request({ConnectionId(kAside), "aside", {}}, codec::encode_request(request), now);
  for (int step = 0; step < 100 && !answered; ++step) {
    broker->reader.step();
    broker->pipeline.step(now);
  }
  demand(answered, "a request aside is answered at once");
  aside_ = nullptr;
}

std::map<std::uint64_t, Ask>::iterator World::asker_of(const ReplyTo& to, const ReplyHeader& header) {
  std::uint64_t id = header.id.bits;
  if (id == 0 && to.connection.value() > 1'000'000) id = to.connection.value() - 1'000'000;
  const auto it = asks.find(id);
  demand(it != asks.end(), "a reply has exactly one request that waits for it");
  demand(to.connection.value() == it->second.connection, "a reply goes to its asker's connection");
  demand(to.routing_id == routing_id_of(it->second.connection) && to.envelope.empty(),
         "a reply carries its request's envelope");
  return it;
}

void World::reply(const ReplyTo& to, std::string payload) {
  ++replies;
  const auto header = codec::decode_reply(payload);
  demand(header.has_value(), "a reply is well-formed");
  if (to.connection.value() == kAside) return aside_(*header);
  const auto it = asker_of(to, *header);
  const Ask ask = std::move(it->second);
  asks.erase(it);
  if (tracing) {
    trace("< " + std::to_string(ask.id) + " rev " + std::to_string(header->rev.value()) + " " +
          (header->error ? std::string(error_row(header->error->code).name) + ": " + header->error->message
                         : "ok"));
  }
  demand(header->epoch == epoch, "a reply carries the epoch");
  demand(ask.malformed == (header->error && header->error->code == ErrorCode::invalid_argument &&
                           !ask.is_write && !ask.is_backup) ||
             draining,
         "what is malformed is refused as such, and nothing else is");
  demand(!ask.other_epoch || header->error, "a request of another epoch is refused");
  if (header->error) check_failure(ask, *header->error);
  if (header->error && header->error->code == ErrorCode::compacted) ++compacted;
  if (!header->error) {
    demand(header->rev.value() >= ask.waits_for || ask.is_write, "a read waits for the revision it names");
    demand(header->rev.value() >= ask.last_when_sent || ask.is_write,
           "I9: a request sent after a reply never sees an older revision");
    demand(header->rev.value() <= model.last() || ask.is_write, "I2: a read sees nothing that is not acked");
  }
  ask.check(ask, *header);
}

bool World::backup_under_way() const {
  return std::any_of(asks.begin(), asks.end(), [](const auto& ask) { return ask.second.is_backup; });
}

void World::check_failure(const Ask& ask, const Error& error) const {
  switch (error.code) {
    case ErrorCode::other_history:
      return demand(ask.other_epoch || error.ns, "other_history answers another epoch, or names a name");
    case ErrorCode::unavailable: {
      const bool waited = (ask.waits_for > model.last() || ask.of_a_moment) &&
                          now.steady - ask.sent >= std::chrono::seconds(2);
      const bool ending = broker->pipeline.fatal() != Fatal::none || broker->sequencer.read_only();
      return demand(draining || waited || ending, "unavailable has a reason");
    }
    case ErrorCode::overloaded:
      demand(error.retry_after_ms.has_value(), "overloaded says when to try again");
      return demand(small_limits || ask.far_ahead || (ask.is_backup && backup_under_way()),
                    "overloaded needs a full queue");
    case ErrorCode::read_only:
      if (ask.is_backup) {
        return demand(settings.backup.keep_free != 0, "a backup is refused for want of room only");
      }
      demand(ask.is_write, "only writes are refused for want of room");
      return demand(read_only_possible, "read_only needs a disk that fails");
    case ErrorCode::timeout:
      demand(ask.is_write, "only a write's outcome can be unknown");
      return demand(broker->sequencer.read_only(), "timeout needs a commit of unknown outcome");
    case ErrorCode::internal:
      return demand(broker->store.journal.env()->poisoned() || broker->store.state.env()->poisoned(),
                    "only a condemned environment cannot be read");
    default:
      return;
  }
}

void World::publish(Lane lane, std::string frame) {
  if (!aside_) ear->hear(lane, frame);
}

}  // namespace prismbus::model
