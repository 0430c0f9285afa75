// Numbers, sizes and switches as people write them in settings. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/log.hpp"

namespace prismbus {

[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);  // decimal digits only
// A number, or one with KiB, MiB, GiB or TiB behind it.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);  // in the largest unit that divides it
// Seconds: a number, or one with s, m, h or d behind it.
[[nodiscard]] std::optional<std::uint64_t> parse_age(std::string_view text);
[[nodiscard]] std::string age_text(std::uint64_t seconds);              // in the largest unit that divides it
[[nodiscard]] std::optional<bool> parse_switch(std::string_view text);  // true, false, 1, 0, yes, no
[[nodiscard]] std::optional<LogLevel> parse_level(std::string_view text);

}  // namespace prismbus
