// Where a command takes a place in history: a revision, or a time a person wrote. The one parser of both.
//   1234                        a revision; they begin with 1
//   now                         what is applied at the moment
//   -2h  -90s  -1d12h  -250ms   so long ago: w d h m s ms, each at most once, in this order
//   2026-11-23                  midnight UTC
//   2026-11-23T10:00  ...T10:00:00  ...T10:00:00.123456     UTC, or with Z, +08:00, +0800, -03 behind it
// Offsets are what they say: no time zone's summer time is ever looked up. Pure functions, any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/clock.hpp"
#include "proto/base/strong.hpp"
#include "publisher/command/failure.hpp"

namespace prismbus::command {

struct Moment {
  std::optional<Revision> rev;  // one of the two, or neither: now
  std::optional<Wall> time;
  [[nodiscard]] bool is_now() const { return !rev && !time; }
};

// How far this machine's clock may be behind the one that wrote a time.
inline constexpr std::chrono::seconds kClocksApart{5};

// Exit::usage naming `flag`: another form, revision 0, a day or an hour that does not exist, a time before
// 1970 or more than kClocksApart after `now`.
[[nodiscard]] Outcome<Moment> parse_moment(std::string_view text, std::string_view flag, Wall now);

// The same, at the process's wall clock.
[[nodiscard]] Outcome<Moment> parse_moment(std::string_view text, std::string_view flag);

// The same where what came *after* the moment is asked for: 0 too, which is before the first revision.
[[nodiscard]] Outcome<Moment> parse_start(std::string_view text, std::string_view flag);
// A span of time: 90s, 12h, 1d12h, 30d; units as above. nullopt: another form.
[[nodiscard]] std::optional<std::chrono::microseconds> parse_span(std::string_view text);

// For the help of options that take one.
inline constexpr std::string_view kMomentHelp =
    "WHEN is a revision (they begin with 1), -2h (w d h m s ms ago), 2026-11-23, or "
    "2026-11-23T10:00:00+08:00 "
    "(UTC\nwithout an offset); nothing in the future.\n";

}  // namespace prismbus::command
