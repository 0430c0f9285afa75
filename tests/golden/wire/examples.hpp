// One message of every kind and direction, with all its fields, for the golden files: <name>.bin holds
// `bytes`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace prismbus::golden {

using std::string_view_literals::operator""sv;

// {"leverage": [1, 2.5], "symbol": "BTC-USD"}
inline constexpr auto kValue =
    "\x82\xa8leverage\x92\x01\xcb\x40\x04\x00\x00\x00\x00\x00\x00\xa6symbol\xa7"
    "BTC-USD"sv;

struct Example {
  std::string name;  // file name without .bin; the part before '_' is request, reply or stream
  std::string bytes;
};

[[nodiscard]] std::vector<Example> request_examples();
[[nodiscard]] std::vector<Example> reply_examples();
[[nodiscard]] std::vector<Example> stream_examples();

}  // namespace prismbus::golden
