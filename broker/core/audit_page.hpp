// A page of `audit`: the journal's transactions and the lines of the audit file, in one order by time. Pure
// but for the view and the source; reader thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/store/read_view.hpp"
#include "proto/audit/audit_line.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus {

// The lines of the audit file, as a reader of its own: what is written meanwhile is seen or not.
class AuditSource {
 public:
  virtual ~AuditSource() = default;
  // Up to `at_most` lines from number `n` on (or the first that is still there), ascending; none = the end.
  // One that is no line any more is told as `unreadable`, with the time of the one before it. Errors:
  // unavailable.
  [[nodiscard]] virtual Result<std::vector<AuditLine>> read(std::uint64_t n, std::size_t at_most) = 0;
  // The number from which to read to meet all lines of that time and later.
  [[nodiscard]] virtual Result<std::uint64_t> first_since(Wall time) = 0;
};

// `source` null: of the journal alone. What retention has trimmed of the journal is not told.
[[nodiscard]] std::string answer_audit(const ReadView& view, const codec::ReplyHead& head,
                                       const AuditRequest& request, AuditSource* source);

}  // namespace prismbus
