// Replies of `ack`, `subscribers` and `wait_applied`, both directions. Encoders return one payload; decoders
// are total, bounded by wire/limits.hpp, and own what they return.
#pragma once

#include <string>

#include "proto/wire/acknowledgement.hpp"
#include "proto/wire/codec/reply.hpp"

namespace prismbus::codec {

[[nodiscard]] std::string encode_ack_reply(const ReplyHead& head, const AckReply& reply);
[[nodiscard]] std::string encode_subscribers_reply(const ReplyHead& head, const SubscribersReply& reply);
[[nodiscard]] std::string encode_wait_applied_reply(const ReplyHead& head, const WaitAppliedReply& reply);

[[nodiscard]] Result<AckReply> decode_ack_reply(const ReplyHeader& reply);
[[nodiscard]] Result<SubscribersReply> decode_subscribers_reply(const ReplyHeader& reply);
[[nodiscard]] Result<WaitAppliedReply> decode_wait_applied_reply(const ReplyHeader& reply);

}  // namespace prismbus::codec
