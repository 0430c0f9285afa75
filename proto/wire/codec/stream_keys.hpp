// Reply of `keys`, both directions. The decoder is total, bounded by wire/limits.hpp, and owns what it
// returns.
#pragma once

#include <string>

#include "proto/wire/codec/reply.hpp"
#include "proto/wire/stream_keys.hpp"

namespace prismbus::codec {

[[nodiscard]] std::string encode_keys_reply(const ReplyHead& head, const KeysReply& reply);
[[nodiscard]] Result<KeysReply> decode_keys_reply(const ReplyHeader& reply);

}  // namespace prismbus::codec
