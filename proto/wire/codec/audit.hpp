// Reply of `audit`, both directions. The decoder is total, bounded by wire/limits.hpp, and owns what it
// returns.
#pragma once

#include <string>

#include "proto/wire/audit_record.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus::codec {

// One record as it stands in `records`.
[[nodiscard]] std::string encode_audit_record(const AuditRecord& record);
[[nodiscard]] std::string encode_audit_reply(const ReplyHead& head, const AuditReply& reply);
[[nodiscard]] Result<AuditReply> decode_audit_reply(const ReplyHeader& reply);

}  // namespace prismbus::codec
