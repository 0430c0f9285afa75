// The figures of `status`, and their encoding; proto/PROTOCOL.md documents each field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/wire/codec/reply.hpp"

namespace prismbus {

struct StatusFigures {
  std::string_view server;
  Run run;
  Revision applied, folded;
  bool read_only = false;
  std::uint64_t uptime_ms = 0;
  std::uint64_t recent_changes = 0, recent_bytes = 0;
  std::uint64_t pending_writes = 0, pending_bytes = 0;
  std::uint64_t parked = 0, sessions = 0;
  std::uint64_t requests = 0, writes = 0, errors = 0;
  std::uint64_t frames = 0, sets = 0, markers = 0, heartbeats = 0, barriers = 0;
};

[[nodiscard]] std::string encode_status_reply(const codec::ReplyHead& head, const StatusFigures& figures);

}  // namespace prismbus
