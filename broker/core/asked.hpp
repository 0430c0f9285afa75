// A request on its way through the hallway: decoded, its principal known. Lends from the payload; lives for
// one call.
#pragma once

#include <string_view>

#include "broker/core/ports.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

struct RollbackWork;

struct Asked {
  const ReplyTo& from;
  std::string_view payload;
  const Request& request;
  const Principal& principal;
  Now now;
  RollbackWork* plan = nullptr;  // of a rollback that comes back from the reader
  bool audited = false;          // its line stands in the audit file
  [[nodiscard]] MessageId id() const { return request.id; }
};

}  // namespace prismbus
