#include "publisher/command/moment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "proto/json/json_value.hpp"
#include "publisher/command/reply_value.hpp"

namespace prismbus::command {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

struct Unit {
  std::string_view name;
  microseconds length;
};
constexpr std::array<Unit, 6> kUnits{
    {{"w", std::chrono::hours(24 * 7)}, {"d", 24h}, {"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}}};
constexpr std::uint64_t kAmountMax = 10'000'000;  // of any unit: no sum below overflows

std::string_view take_digits(std::string_view& text, std::size_t at_most = 20) {
  std::size_t n = 0;
  while (n < text.size() && n < at_most && text[n] >= '0' && text[n] <= '9') ++n;
  const auto digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t n = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (digits.empty() || code != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return n;
}

// Exactly `digits` of them, then `mark` (0 = none); a number up to `most`.
std::optional<int> take_number(std::string_view& text, std::size_t digits, char mark, int most) {
  if (mark != '\0') {
    if (text.empty() || text.front() != mark) return std::nullopt;
    text.remove_prefix(1);
  }
  const auto taken = take_digits(text, digits);
  const auto n = taken.size() == digits ? number_of(taken) : std::nullopt;
  if (!n || *n > static_cast<std::uint64_t>(most)) return std::nullopt;
  return static_cast<int>(*n);
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_number(text, 4, '\0', 9999);
  const auto month = year ? take_number(text, 2, '-', 12) : std::nullopt;
  const auto day = month ? take_number(text, 2, '-', 31) : std::nullopt;
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

// ".123456": up to six digits count, more are refused.
std::optional<microseconds> take_fraction(std::string_view& text) {
  if (text.empty() || text.front() != '.') return microseconds(0);
  text.remove_prefix(1);
  std::string digits(take_digits(text));
  if (digits.empty() || digits.size() > 6) return std::nullopt;
  digits.append(6 - digits.size(), '0');
  return microseconds(static_cast<std::int64_t>(*number_of(digits)));
}

// "T10:00[:00[.123456]]" or nothing: midnight.
std::optional<microseconds> take_clock(std::string_view& text) {
  if (text.empty()) return microseconds(0);
  if (text.front() != 'T' && text.front() != ' ') return std::nullopt;
  text.remove_prefix(1);
  const auto hour = take_number(text, 2, '\0', 23);
  const auto minute = hour ? take_number(text, 2, ':', 59) : std::nullopt;
  if (!minute) return std::nullopt;
  microseconds clock = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  if (text.empty() || text.front() != ':') return clock;
  const auto second = take_number(text, 2, ':', 59);
  const auto fraction = second ? take_fraction(text) : std::nullopt;
  if (!fraction) return std::nullopt;
  return clock + std::chrono::seconds(*second) + *fraction;
}

// "Z", "+08:00", "+0800", "+08"; nothing: UTC.
std::optional<microseconds> take_offset(std::string_view& text) {
  if (text.empty()) return microseconds(0);
  const char sign = text.front();
  text.remove_prefix(1);
  if (sign == 'Z') return microseconds(0);
  if (sign != '+' && sign != '-') return std::nullopt;
  const auto hours = take_number(text, 2, '\0', 14);
  if (!hours) return std::nullopt;
  std::optional<int> minutes = 0;
  if (!text.empty()) minutes = take_number(text, 2, text.front() == ':' ? ':' : '\0', 59);
  if (!minutes) return std::nullopt;
  const microseconds offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return sign == '-' ? -offset : offset;
}

std::optional<Wall> time_of(std::string_view text) {
  const auto date = take_date(text);
  if (!date) return std::nullopt;
  const bool date_alone = text.empty();
  const auto clock = take_clock(text);
  if (!clock) return std::nullopt;
  const auto offset = date_alone ? microseconds(0) : take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  return Wall(std::chrono::time_point_cast<Wall::duration>(*date + *clock - *offset));
}

}  // namespace

std::optional<microseconds> parse_span(std::string_view text) {
  microseconds total{0};
  auto unit = kUnits.begin();
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto amount = number_of(take_digits(text));
    const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
    const auto name = text.substr(0, letters);
    text.remove_prefix(letters);
    unit = std::find_if(unit, kUnits.end(), [name](const Unit& u) { return u.name == name; });
    if (!amount || *amount > kAmountMax || unit == kUnits.end()) return std::nullopt;
    total += unit->length * static_cast<std::int64_t>(*amount);
    ++unit;
  }
  return total;
}

Outcome<Moment> parse_moment(std::string_view text, std::string_view flag, Wall now) {
  Moment moment;
  if (text == "now") return moment;
  if (const auto rev = number_of(text)) {
    if (*rev == 0) return misused(std::string(flag), "revisions begin with 1");
    moment.rev = Revision(*rev);
    return moment;
  }
  if (text.starts_with('-')) {
    if (const auto ago = parse_span(text.substr(1))) moment.time = now - *ago;
  } else if (text.starts_with('+')) {
    if (const auto ahead = parse_span(text.substr(1))) moment.time = now + *ahead;
  } else {
    moment.time = time_of(text);
  }
  if (!moment.time || *moment.time < Wall{}) {
    return misused(std::string(flag), fmt::format("{} is neither a revision nor a time, such as 1234, -2h, "
                                                  "2026-11-23 or 2026-11-23T10:00:00+08:00",
                                                  json_quoted(text)));
  }
  if (*moment.time > now + kClocksApart) {
    return misused(std::string(flag),
                   fmt::format("{} is in the future: it is {} now", json_quoted(text), time_text(now)));
  }
  return moment;
}

Outcome<Moment> parse_moment(std::string_view text, std::string_view flag) {
  return parse_moment(text, flag, read_clock().wall);
}

Outcome<Moment> parse_start(std::string_view text, std::string_view flag) {
  if (text != "0") return parse_moment(text, flag);
  Moment moment;
  moment.rev = Revision(0);
  return moment;
}

}  // namespace prismbus::command
