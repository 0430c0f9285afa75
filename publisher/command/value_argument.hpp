// A value typed on the command line. Pure functions, any thread.
#pragma once

#include <string_view>

#include "proto/json/value.hpp"
#include "publisher/command/failure.hpp"

namespace prismbus::command {

// JSON first (section 8's). What is no JSON is a string only when nobody could have meant JSON: it begins
// with a letter or one of `_ $ / . @ ~ *` or beyond ASCII, and is no other spelling of true, false or null:
//   5 -> 5      BTC-USDT -> "BTC-USDT"      {"a":1} -> map      100ms, {a:1}, 1.2.3, True, nothing ->
//   refused, with a hint
// `hint` says in the refusal how text is written where this is used.
[[nodiscard]] Outcome<Value> parse_value_argument(std::string_view text, std::string_view hint);

inline constexpr std::string_view kValueRule =
    "VALUE is JSON: 5, 1.5, true, null, '\"text\"', '[1, 2]', '{\"a\": 1}'. A bare word is a string: "
    "BTC-USDT, "
    "or anything\n"
    "else that is not JSON and begins with a letter, one of _ $ / . @ ~ * or a character beyond ASCII. Not "
    "taken are\n"
    "100ms and 1.2.3, nor True, NULL and NaN in any spelling: --string takes VALUE as text, whatever it is, "
    "if it is UTF-8.\n"
    "Bytes are '{\"$bin\": \"<base64>\"}'; see \"HTTP and WebSocket\" in proto/PROTOCOL.md for all forms.";

}  // namespace prismbus::command
