// The bytes of a queued write and of its outcome, on disk. Format 1:
//   record = version (1 byte, 0x01) || XXH3-64 (8 bytes BE) of (id as 8 bytes BE || body) || body
//   body   = a MessagePack map, written and read here and nowhere else
// The id is the record's key, so a record that stands under another's key does not read as its own. Decoders
// are total. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/messages.hpp"
#include "publisher/outbox/outbox_options.hpp"

namespace prismbus {

// A request id under which the write was sent, or may have been.
struct OutboxAttempt {
  RequestId req;
  Epoch epoch;
  Wall first{};          // when; not repeated later than 30 minutes after
  bool merged = false;   // it carried another value than was called
  std::size_t step = 0;  // one that it writes: in that key's history it is looked for
  friend bool operator==(const OutboxAttempt&, const OutboxAttempt&) = default;
};

struct OutboxRecord {
  struct Step {
    ChangeOp op = ChangeOp::put;
    std::string ns, key, value;
    std::optional<Revision> base;  // what the caller knew; nullopt = nothing: written whatever is there
    friend bool operator==(const Step&, const Step&) = default;
  };
  struct Guard {  // a requirement on a key that is not written
    std::string ns, key;
    Revision rev;
    friend bool operator==(const Guard&, const Guard&) = default;
  };
  std::uint64_t id = 0;
  Wall queued_at{};
  Epoch epoch;  // of the revisions in `base` and guards; 0 = not known
  std::vector<Step> steps;
  std::vector<Guard> guards;
  std::optional<std::string> note;
  std::vector<OutboxAttempt> attempts;  // the last is the one to repeat
  friend bool operator==(const OutboxRecord&, const OutboxRecord&) = default;
};

// What it is sent on condition of, at least: its guards and the bases of its steps.
[[nodiscard]] std::size_t conditions_of(const OutboxRecord& record);

inline constexpr std::size_t kOutboxAttemptsMax = 8;  // kept of one write, the youngest

[[nodiscard]] std::string encode_outbox_record(const OutboxRecord& record);
[[nodiscard]] std::string encode_outbox_outcome(const OutboxOutcome& outcome);
// internal: damaged, or of a format this version does not know.
[[nodiscard]] Result<OutboxRecord> decode_outbox_record(std::uint64_t id, std::string_view bytes);
[[nodiscard]] Result<OutboxOutcome> decode_outbox_outcome(std::uint64_t id, std::string_view bytes);
// What a record, or an outcome, became that cannot be read: rejected, and `why`.
[[nodiscard]] OutboxOutcome unreadable_outcome(std::uint64_t id, std::string why);

}  // namespace prismbus
