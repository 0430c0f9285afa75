#include "broker/core/audit_notes.hpp"

#include <catch2/catch.hpp>

namespace prismbus {
namespace {

using namespace std::chrono_literals;

Now at(std::chrono::milliseconds ms) {
  return {Steady(1h + ms),
          from_micros(1'000'000) + std::chrono::duration_cast<std::chrono::microseconds>(ms)};
}

AuditEntry refusal(const std::string& by, const std::string& ns = "a") {
  AuditEntry entry;
  entry.what = "refused";
  entry.by = by;
  entry.ns = {ns};
  return entry;
}

std::vector<AuditEntry> due(AuditNotes& notes, Now now, bool ending = false) {
  std::vector<AuditEntry> out;
  notes.take_due(now, ending, out);
  return out;
}

}  // namespace

TEST_CASE("the first of equal refusals is told at once, the rest in one line a minute") {
  AuditNotes notes;
  CHECK(notes.take(refusal("x"), at(0s)));
  for (int n = 0; n < 500; ++n) CHECK_FALSE(notes.take(refusal("x"), at(1s)));
  CHECK(notes.take(refusal("y"), at(1s)));
  CHECK(notes.take(refusal("x", "b"), at(1s)));
  CHECK(due(notes, at(59s)).empty());
  const auto told = due(notes, at(61s));
  REQUIRE(told.size() == 1);
  CHECK(told[0].by == "x");
  CHECK(told[0].times == 500);
  CHECK(told[0].time == at(61s).wall);  // after every line that was told meanwhile
  // Still the same: counted on, without a line at once.
  CHECK_FALSE(notes.take(refusal("x"), at(62s)));
  CHECK(due(notes, at(122s)).at(0).times == 1);
  CHECK(due(notes, at(183s)).empty());
  CHECK(notes.kinds() == 0);
  CHECK(notes.take(refusal("x"), at(184s)));
}

TEST_CASE("lines have a quota that comes back slowly, and what it holds back is counted (I8)") {
  AuditNotes notes;
  std::size_t lines = 0, asked = 0;
  std::uint64_t told = 0;
  for (std::size_t minute = 0; minute < 60; ++minute) {
    for (int n = 0; n < 3'000; ++n, ++asked) {
      const auto now = at(std::chrono::minutes(minute) + std::chrono::milliseconds(n));
      if (notes.take(refusal("x" + std::to_string(asked)), now)) ++lines;
    }
    CHECK(notes.kinds() <= AuditNotes::kKindsMax);
    for (const AuditEntry& entry : due(notes, at(std::chrono::minutes(minute) + 59s), minute == 59)) {
      ++lines;
      told += entry.what == "untold" ? entry.times : 0;
    }
  }
  CHECK(lines <= AuditNotes::kLinesAtOnce + AuditNotes::kLinesAnHour + 61);
  CHECK(told > asked / 2);
}

TEST_CASE("at the end everything gathered is told") {
  AuditNotes notes;
  CHECK(notes.take(refusal("x"), at(0s)));
  CHECK_FALSE(notes.take(refusal("x"), at(1s)));
  CHECK(due(notes, at(1s)).empty());
  CHECK(due(notes, at(1s), true).size() == 1);
  CHECK(due(notes, at(1s), true).empty());
}

}  // namespace prismbus
