// Replies of section 4 as the JSON of section 8, without loss: `epoch`, `run` and `hash` in hex, values as
// they are. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "broker/gateway/http/http_message.hpp"
#include "proto/json/value.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// A reply's tree with its numbers in hex. Errors: internal (the core gave no MessagePack).
[[nodiscard]] Result<Value> reply_tree(std::string_view payload);

[[nodiscard]] HttpResponse json_response(int status, const Value& body);
// `{"error": {...}}` with the status of its code, and what headers come with it.
[[nodiscard]] HttpResponse error_response(const Error& error);
// The same under a status that section 5 has no code for.
[[nodiscard]] HttpResponse error_response(const Error& error, int status);
[[nodiscard]] std::string error_text(const Error& error);  // the body alone

}  // namespace prismbus
