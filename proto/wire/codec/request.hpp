// Requests: decode is total, bytes -> Request or the error to answer with. What is decoded lends from
// `payload`. encode_* are the clients' side; each appends one payload to `out`.
#pragma once

#include <string>
#include <string_view>

#include "proto/wire/messages.hpp"

namespace prismbus::codec {

// A refusal keeps the request's id where it could be read, so that the reply finds its asker (0 otherwise).
struct RefusedRequest {
  MessageId id;
  Error error;
};

// Checks form AND names: types, duplicate and trailing data, depth, limits, namespace and key rules, the
// value's own rules (validate_value). Options this version does not serve (`at`, `at_time`) are decoded; who
// serves them decides.
[[nodiscard]] Result<Request, RefusedRequest> decode_request(std::string_view payload);

// As it stands in the request.
[[nodiscard]] std::string_view op_of(const RequestBody& body);

// One payload for any request; `body` must not be UnsupportedRequest. Field order: op, id, epoch?, token?,
// the rest.
[[nodiscard]] std::string encode_request(const Request& request);

// One MessagePack value under the contract's rules (section 2: UTF-8 strings, map keys, ext types, depth,
// size). `field` is named in the error: invalid_argument, or too_large with limit and size.
[[nodiscard]] Result<void> validate_value(std::string_view encoded, std::string_view field);

}  // namespace prismbus::codec
