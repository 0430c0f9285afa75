#include "broker/core/self_report.hpp"

#include <array>

namespace prismbus {

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

std::string encode_status_reply(const codec::ReplyHead& head, const Access& access, const StatusSources& ask,
                                const StatusCounters& counters) {
  const bool read_only = ask.sequencer.read_only() || ask.room.full();
  if (!access.may_administer()) {
    std::string reply = codec::begin_reply(head, 3);
    codec::Writer out(reply);
    out.field("server", ask.settings.server);
    out.field("read_only", read_only);
    out.field("run", ask.settings.run.value());
    return reply;
  }
  const ChangeStream::Counters& streamed = ask.stream.counters();
  const SpaceReading disk = ask.room.space().reading().value_or(SpaceReading{});
  const ReaderCounters& read = ask.reads.counters();
  const std::array<std::pair<std::string_view, std::uint64_t>, 32> figures{{
      {"run", ask.settings.run.value()},
      {"applied", ask.recent.applied().value()},
      {"folded", ask.fold.folded().value()},
      {"floor", ask.fold.floor().value()},
      {"uptime_ms", static_cast<std::uint64_t>(counters.uptime.count())},
      {"recent_changes", ask.recent.changes()},
      {"recent_bytes", ask.recent.bytes()},
      {"pending_writes", ask.pending.size()},
      {"pending_bytes", ask.pending.bytes()},
      {"parked", ask.parking.size()},
      {"sessions", ask.sessions.size()},
      {"requests", counters.requests},
      {"acks", counters.acks},
      {"writes", counters.writes},
      {"errors", ask.replier.errors()},
      {"frames", streamed.frames},
      {"sets", streamed.sets},
      {"markers", streamed.markers},
      {"heartbeats", streamed.heartbeats},
      {"barriers", streamed.barriers},
      {"store_used", disk.used()},
      {"store_reusable", disk.journal_reusable + disk.state_reusable},
      {"disk_free", disk.free},
      {"followers", ask.followers.size()},
      {"heartbeat_ms", static_cast<std::uint64_t>(ask.stream.heartbeat().count())},
      {"reads_waiting", ask.reads.waiting()},
      {"snapshots", read.snapshots},
      {"changes", read.changes},
      {"chunk_hits", read.chunk_hits},
      {"chunk_misses", read.chunk_misses},
      {"change_hits", read.change_hits},
      {"change_misses", read.change_misses},
  }};
  std::string reply = codec::begin_reply(head, static_cast<std::uint32_t>(figures.size()) + 3);
  codec::Writer out(reply);
  out.field("server", ask.settings.server);
  out.field("read_only", read_only);
  out.field("backup", ask.backups.running());
  for (const auto& [name, value] : figures) out.field(name, value);
  return reply;
}

}  // namespace prismbus
