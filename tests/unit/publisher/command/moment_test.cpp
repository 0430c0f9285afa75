#include "publisher/command/moment.hpp"

#include <fmt/chrono.h>

#include <catch2/catch.hpp>

#include "publisher/command/reply_value.hpp"

using namespace prismbus;
using namespace prismbus::command;

namespace {
constexpr Wall kNow = Wall(std::chrono::seconds(1'795'000'000));    // 2026-11-18T11:06:40Z
constexpr Wall kLater = Wall(std::chrono::seconds(1'800'000'000));  // 2027-01-15T08:00:00Z

// A revision as a number, a time as micros behind "t", "now", or "refused".
std::string said(std::string_view text, Wall now = kNow) {
  const auto moment = parse_moment(text, "--at", now);
  if (!moment) return "refused";
  if (moment->is_now()) return "now";
  if (moment->rev) return fmt::format("{}", moment->rev->value());
  const auto micros = to_micros(*moment->time) % 1'000'000;
  return time_text(*moment->time) + (micros == 0 ? "" : fmt::format(" {}us", micros));
}
}  // namespace

TEST_CASE("a number is a revision; 0 is none, but it is where everything comes after") {
  CHECK(said("1234") == "1234");
  CHECK(said("18446744073709551615") == "18446744073709551615");
  CHECK(said("0") == "refused");
  CHECK(parse_moment("0", "--at", kNow).error().error.message == "--at: revisions begin with 1");
  const auto start = parse_start("0", "--from");
  REQUIRE(start);
  CHECK(start->rev == Revision(0));
  CHECK(parse_start("7", "--from")->rev == Revision(7));
  CHECK_FALSE(parse_start("", "--from"));
  CHECK(said("now") == "now");
}

TEST_CASE("a duration with a minus is so long ago") {
  CHECK(time_text(kNow) == "2026-11-18T11:06:40Z");
  CHECK(said("-2h") == "2026-11-18T09:06:40Z");
  CHECK(said("-90s") == "2026-11-18T11:05:10Z");
  CHECK(said("-1d12h30m") == "2026-11-16T22:36:40Z");
  CHECK(said("-1w") == "2026-11-11T11:06:40Z");
  CHECK(said("-1s250ms") == "2026-11-18T11:06:38Z 750000us");
  for (const char* bad : {"-", "-2", "-h", "-2x", "-2h1d", "-1h1h", "--2h", "-2h ", "2h", "-99999999999h",
                          "-100000000w", "-1.5h"}) {
    CAPTURE(bad);
    CHECK(said(bad) == "refused");
  }
}

TEST_CASE("a date and a time mean what their offset says, UTC without one") {
  CHECK(said("2026-11-23", kLater) == "2026-11-23T00:00:00Z");
  CHECK(said("2026-11-23T10:00:00+08:00", kLater) == "2026-11-23T02:00:00Z");
  CHECK(said("2026-11-23T10:00+0800", kLater) == "2026-11-23T02:00:00Z");
  CHECK(said("2026-11-23T10:00-03", kLater) == "2026-11-23T13:00:00Z");
  CHECK(said("2026-11-23T10:00:00Z", kLater) == "2026-11-23T10:00:00Z");
  CHECK(said("2026-11-23 10:00:00.25Z", kLater) == "2026-11-23T10:00:00Z 250000us");
  CHECK(said("2026-11-23T23:30:00-05:30", kLater) == "2026-11-24T05:00:00Z");
  CHECK(said("2024-02-29", kLater) == "2024-02-29T00:00:00Z");
  CHECK(said("1970-01-01", kLater) == "1970-01-01T00:00:00Z");
}

TEST_CASE("a time in the future is refused, but for clocks that are a little apart") {
  CHECK(said("2026-11-18T11:06:45Z") == "2026-11-18T11:06:45Z");
  for (const char* ahead : {"2026-11-18T11:06:45.000001Z", "2099-01-01", "+2h", "+90s"}) {
    CAPTURE(ahead);
    const auto refused = parse_moment(ahead, "--since", kNow);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().exit == Exit::usage);
    CHECK(refused.error().error.message ==
          fmt::format("--since: \"{}\" is in the future: it is 2026-11-18T11:06:40Z now", ahead));
  }
}

TEST_CASE("an hour that a time zone skips or repeats is an hour like any other: no zone is looked up") {
  CHECK(said("2026-03-29T02:30:00+01:00", kLater) == "2026-03-29T01:30:00Z");  // skipped in Berlin
  CHECK(said("2026-10-25T02:30:00+02:00", kLater) == "2026-10-25T00:30:00Z");  // there twice in Berlin
  CHECK(said("2026-10-25T02:30:00+01:00", kLater) == "2026-10-25T01:30:00Z");
}

TEST_CASE("what is no moment is refused, naming the flag") {
  for (const char* bad : {"",
                          "yesterday",
                          "2026-11",
                          "2026-13-01",
                          "2025-02-29",
                          "2026-11-31",
                          "2026-11-23T",
                          "2026-11-23T10",
                          "2026-11-23T24:00",
                          "2026-11-23T10:60",
                          "2026-11-23T10:00:60",
                          "2026-11-23T10:00:00.",
                          "2026-11-23T10:00:00.1234567",
                          "2026-11-23T10:00+8",
                          "2026-11-23T10:00+08:0",
                          "2026-11-23T10:00+15:00",
                          "2026-11-23T10:00 +08:00",
                          "2026-11-23Z",
                          "26-11-23",
                          "2026-11-23T10:00:00+08:00x",
                          "1969-12-31",
                          "1e3",
                          "+5",
                          "1 "}) {
    CAPTURE(bad);
    CHECK(said(bad, kLater) == "refused");
  }
  const auto refused = parse_moment("soon", "--from", kNow);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().exit == Exit::usage);
  CHECK(refused.error().error.message.starts_with("--from: \"soon\""));
}
