#include "broker/gateway/http/number_text.hpp"

#include <fmt/format.h>

#include <charconv>

namespace prismbus {
namespace {

std::optional<std::uint64_t> parse_whole(std::string_view text, int base) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

std::string hex_text(std::uint64_t n) {
  return fmt::format("{:016x}", n);
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.size() != kHexDigits) return std::nullopt;
  return parse_whole(text, 16);
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  return parse_whole(text, 10);
}

}  // namespace prismbus
