// Numbers as section 8 of the contract writes them in text: what names something (an epoch, a hash) in 16 hex
// digits, what counts in decimal. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace prismbus {

inline constexpr std::size_t kHexDigits = 16;

[[nodiscard]] std::string hex_text(std::uint64_t n);
// All of `text`, which has kHexDigits; nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_hex(std::string_view text);
// All of `text`, without a sign; nullopt for anything else and what does not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace prismbus
