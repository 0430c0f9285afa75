#include "broker/core/self_report.hpp"

#include <array>
#include <utility>

#include "broker/core/status_details.hpp"

namespace prismbus {
namespace {

using Figure = std::pair<std::string_view, std::uint64_t>;

}  // namespace

HelloReply hello_of(const PipelineSettings& settings, const Principal& principal,
                    std::chrono::milliseconds heartbeat, std::chrono::milliseconds ack) {
  HelloReply hello;
  hello.server = settings.server;
  hello.run = settings.run;
  hello.changes = settings.changes;
  hello.express = settings.express;
  hello.sealed = settings.stream_master.has_value();
  hello.stream_curve = settings.stream_curve;
  hello.heartbeat_ms = static_cast<std::uint64_t>(heartbeat.count());
  hello.ack_ms = static_cast<std::uint64_t>(ack.count());
  hello.limits = default_limits();
  hello.principal = principal.name;
  if (principal.expires) hello.expires = to_micros(*principal.expires);
  return hello;
}

void answer_status(const Asked& asked, const StatusSources& ask) {
  const codec::ReplyHead head = ask.replier.head(asked.id());
  const bool read_only = ask.sequencer.read_only() || ask.room.full();
  if (!asked.principal.access->may_administer()) {
    std::string reply = codec::begin_reply(head, 3);
    codec::Writer out(reply);
    out.field("server", ask.settings.server);
    out.field("read_only", read_only);
    out.field("run", ask.settings.run.value());
    return ask.replier.send(asked.from, std::move(reply));
  }
  const ChangeStream::Counters& streamed = ask.stream.counters();
  const SpaceReading disk = ask.room.space().reading().value_or(SpaceReading{});
  const ReaderCounters& read = ask.reads.counters();
  const InFlightRefusals& waiting = ask.in_flight.refusals();
  const DoorFigures door = ask.door.figures();
  const RateCounters rates = ask.authoriser.rate_counters();
  const auto in_ms = [](auto passed) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(passed).count());
  };
  const std::array<Figure, 57> figures{{
      {"run", ask.settings.run.value()},
      {"applied", ask.recent.applied().value()},
      {"folded", ask.fold.folded().value()},
      {"floor", ask.fold.floor().value()},
      {"uptime_ms", in_ms(asked.now.steady - ask.counters.started)},
      {"fold_lag_ms", in_ms(ask.fold.lag(asked.now.wall))},
      {"recent_changes", ask.recent.changes()},
      {"recent_bytes", ask.recent.bytes()},
      {"pending_writes", ask.pending.size()},
      {"pending_bytes", ask.pending.bytes()},
      {"parked", ask.parking.size()},
      {"sessions", ask.sessions.size()},
      {"requests", ask.replier.meter().entered()},
      {"acks", ask.acks.acks()},
      {"writes", ask.counters.writes},
      {"errors", ask.replier.meter().refused()},
      {"frames", streamed.frames},
      {"sets", streamed.sets},
      {"markers", streamed.markers},
      {"heartbeats", streamed.heartbeats},
      {"barriers", streamed.barriers},
      {"store_used", disk.used()},
      {"store_reusable", disk.journal_reusable + disk.state_reusable},
      {"store_quota", ask.room.space().settings().quota},
      {"disk_free", disk.free},
      {"disk_floor", ask.room.space().settings().floor},
      {"followers", ask.followers.size()},
      {"followers_silent", ask.acks.table().silent(asked.now.steady)},
      {"rejections", ask.acks.table().rejections()},
      {"heartbeat_ms", in_ms(ask.stream.heartbeat())},
      {"reads_waiting", ask.reads.waiting()},
      {"snapshots", read.snapshots},
      {"changes", read.changes},
      {"chunk_hits", read.chunk_hits},
      {"chunk_misses", read.chunk_misses},
      {"change_hits", read.change_hits},
      {"change_misses", read.change_misses},
      {"connections", door.connections},
      {"in_flight", ask.in_flight.total()},
      {"in_flight_bytes", ask.in_flight.bytes()},
      {"refused_connection_requests", waiting.connection_requests},
      {"refused_connection_bytes", waiting.connection_bytes},
      {"refused_principal_requests", waiting.principal_requests},
      {"refused_principal_bytes", waiting.principal_bytes},
      {"refused_bytes", waiting.bytes},
      {"refused_address_rate", rates.of_address},
      {"refused_principal_rate", rates.of_principal},
      {"refused_connections", door.refused_connections},
      {"refused_address_connections", door.refused_address_connections},
      {"refused_descriptors", door.refused_descriptors},
      {"refused_keys", door.refused_keys},
      {"cut_rate", rates.cut},
      {"cut_flooding", door.cut_flooding},
      {"cut_not_reading", door.cut_not_reading},
      {"cut_endless", door.cut_endless},
      {"cut_crowding", door.cut_crowding},
      {"cut_oversubscribed", door.cut_oversubscribed},
  }};
  const auto fields = static_cast<std::uint32_t>(figures.size()) + 4 + kStatusDetails;
  std::string reply = codec::begin_reply(head, fields);
  codec::Writer out(reply);
  out.field("server", ask.settings.server);
  out.field("read_only", read_only);
  out.field("secured", ask.settings.stream_master.has_value());
  out.field("backup", ask.backups.running());
  for (const auto& [name, value] : figures) out.field(name, value);
  write_status_details(out, ask);
  ask.replier.send(asked.from, std::move(reply));
}

}  // namespace prismbus
