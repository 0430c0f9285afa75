// put --wait-applied: waits until those who follow have what was written, and says in one line how it went.
// The command's one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/wire/acknowledgement.hpp"
#include "publisher/command/failure.hpp"
#include "publisher/command/reply_value.hpp"
#include "publisher/command/session.hpp"

namespace prismbus::command {

struct AppliedWait {
  std::optional<std::uint64_t> count;  // nullopt = all
};
// `all` or a number of at least 1. Exit::usage.
[[nodiscard]] Outcome<AppliedWait> parse_applied_wait(std::string_view text);

// "431 applied, 2 rejected (pricing-7: tick_size: must be > 0), 3 silent (risk-1, risk-2, #12)"
[[nodiscard]] std::string applied_text(const WaitAppliedReply& reply);

// Waits with the time that is left. Exit::not_applied with that line when not all (so many) have applied it;
// its facts are {"epoch", "rev", "seq", "version"} of the write and, when the broker answered, "applied" (how
// many), "rejected", "silent" (instances) and "reasons" as in the reply.
[[nodiscard]] Outcome<WaitAppliedReply> await_applied(const AppliedWait& wait, std::string_view ns,
                                                      const WriteOutcome& written, Session& session,
                                                      std::string_view context);

}  // namespace prismbus::command
