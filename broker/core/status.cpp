#include "broker/core/status.hpp"

namespace prismbus {

std::string encode_status_reply(const codec::ReplyHead& head, const StatusFigures& f) {
  const std::pair<std::string_view, std::uint64_t> counts[] = {
      {"run", f.run.value()},
      {"applied", f.applied.value()},
      {"folded", f.folded.value()},
      {"uptime_ms", f.uptime_ms},
      {"recent_changes", f.recent_changes},
      {"recent_bytes", f.recent_bytes},
      {"pending_writes", f.pending_writes},
      {"pending_bytes", f.pending_bytes},
      {"parked", f.parked},
      {"sessions", f.sessions},
      {"requests", f.requests},
      {"writes", f.writes},
      {"errors", f.errors},
      {"frames", f.frames},
      {"sets", f.sets},
      {"markers", f.markers},
      {"heartbeats", f.heartbeats},
      {"barriers", f.barriers},
  };
  std::string reply = codec::begin_reply(head, static_cast<std::uint32_t>(std::size(counts)) + 2);
  codec::Writer out(reply);
  out.field("server", f.server);
  out.field("read_only", f.read_only);
  for (const auto& [name, value] : counts) out.field(name, value);
  return reply;
}

}  // namespace prismbus
