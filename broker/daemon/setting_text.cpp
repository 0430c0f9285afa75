#include "broker/daemon/setting_text.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace prismbus {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;
};
using Units = std::array<Unit, 4>;  // largest first
constexpr Units kBytes{{{"TiB", std::uint64_t{1} << 40},
                        {"GiB", std::uint64_t{1} << 30},
                        {"MiB", std::uint64_t{1} << 20},
                        {"KiB", std::uint64_t{1} << 10}}};
constexpr Units kAges{{{"d", 86'400}, {"h", 3'600}, {"m", 60}, {"s", 1}}};

std::optional<std::uint64_t> parse_with_unit(std::string_view text, const Units& units) {
  for (const Unit& unit : units) {
    if (!text.ends_with(unit.name)) continue;
    const auto count = parse_number(text.substr(0, text.size() - unit.name.size()));
    if (!count || *count > std::numeric_limits<std::uint64_t>::max() / unit.size) return std::nullopt;
    return *count * unit.size;
  }
  return parse_number(text);
}

std::string text_with_unit(std::uint64_t value, const Units& units) {
  for (const Unit& unit : units) {
    if (value >= unit.size && value % unit.size == 0)
      return std::to_string(value / unit.size).append(unit.name);
  }
  return std::to_string(value);
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  return parse_with_unit(text, kBytes);
}
std::string bytes_text(std::uint64_t bytes) {
  return text_with_unit(bytes, kBytes);
}
std::optional<std::uint64_t> parse_age(std::string_view text) {
  return parse_with_unit(text, kAges);
}
std::string age_text(std::uint64_t seconds) {
  return text_with_unit(seconds, kAges);
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "no") return false;
  return std::nullopt;
}

std::optional<LogLevel> parse_level(std::string_view text) {
  if (text == "debug") return LogLevel::debug;
  if (text == "info") return LogLevel::info;
  if (text == "warn") return LogLevel::warn;
  if (text == "error") return LogLevel::error;
  return std::nullopt;
}

}  // namespace prismbus
