#include "publisher/command/lifetime.hpp"

#include <fmt/format.h>

#include <array>

#include "proto/json/json_value.hpp"
#include "publisher/command/moment.hpp"

namespace prismbus::command {

Outcome<std::chrono::seconds> parse_lifetime(std::string_view text, std::string_view flag) {
  const auto span = parse_span(text);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(span.value_or(std::chrono::microseconds(0)));
  if (seconds < std::chrono::seconds(1) || seconds > kDurationMax) {
    return misused(
        std::string(flag),
        fmt::format("{} is not a time to live; 30m, 12h and 30d are, up to ten years", json_quoted(text)));
  }
  return seconds;
}

std::string told_from_now(std::chrono::sys_seconds at, Wall now) {
  struct Unit {
    char name;
    std::int64_t seconds;
  };
  constexpr std::array<Unit, 4> kUnits{{{'d', 86'400}, {'h', 3'600}, {'m', 60}, {'s', 1}}};
  const auto distance = std::chrono::round<std::chrono::seconds>(at - now).count();
  std::int64_t left = distance < 0 ? -distance : distance;
  std::string out;
  int told = 0;
  for (const Unit& unit : kUnits) {
    const std::int64_t n = left / unit.seconds;
    left %= unit.seconds;
    if (n == 0 && told == 0 && unit.seconds > 1) continue;
    if (n > 0 || told == 0) out += fmt::format("{}{}{}", out.empty() ? "" : " ", n, unit.name);
    if (++told == 2) break;
  }
  return distance > 0 ? "in " + out : out + " ago";
}

}  // namespace prismbus::command
