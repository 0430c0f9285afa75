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
    "VALUE is JSON: 5, 1.5, true, null, '\"text\"', '[1, 2]', '{\"a\": 1}'. What is no JSON and begins with "
    "a\n"
    "letter, one of _ $ / . @ ~ * or a character beyond ASCII is a string as it stands: BTC-USDT, but not\n"
    "True, NULL or NaN in any capitals. Anything else is refused, such as 100ms and 1.2.3: --string takes\n"
    "VALUE as text, whatever it is, as long as it is UTF-8.\n"
    "Bytes are '{\"$bin\": \"<base64>\"}'; see \"HTTP and WebSocket\" in proto/PROTOCOL.md for all forms.";

}  // namespace prismbus::command
