// Lines of the audit file: what they say, that each is one line whatever is in it, and that the chain shows
// every line that was changed, taken away, put in or moved (A5).
#include "proto/audit/audit_line.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <random>

namespace prismbus {
namespace {

AuditEntry refusal(std::string by) {
  AuditEntry entry;
  entry.what = "refused";
  entry.time = from_micros(1'764'279'600'123'456);
  entry.by = std::move(by);
  entry.from = "127.0.0.1";
  entry.op = "put";
  entry.ns = {"md.okx", "md.bybit"};
  entry.code = "permission_denied";
  entry.times = 3;
  return entry;
}

std::vector<std::string> chain_of(std::size_t lines) {
  std::string text;
  AuditChain chain;
  for (std::size_t i = 0; i < lines; ++i) append_audit_line(text, refusal(std::to_string(i)), chain);
  std::vector<std::string> out;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    out.push_back(text.substr(0, end));
    text.erase(0, end + 1);
  }
  return out;
}

bool is_whole(const std::vector<std::string>& lines) {
  AuditVerifier verifier;
  return std::all_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return verifier.read(line).has_value(); });
}

}  // namespace

TEST_CASE("a line says what happened, and is read back as it went") {
  AuditChain chain{6, std::string(64, 'a')};
  std::string text;
  append_audit_line(text, refusal("alice"), chain);
  CHECK(chain.n == 7);
  const auto json = nlohmann::json::parse(text);
  CHECK(json["n"] == 7);
  CHECK(json["utc"] == "2025-11-27T21:40:00Z");
  CHECK(json["prev"] == std::string(64, 'a'));
  CHECK_FALSE(json.contains("note"));
  REQUIRE(text.back() == '\n');
  text.pop_back();
  const auto line = parse_audit_line(text);
  REQUIRE(line);
  CHECK(line->chain == chain);
  CHECK(line->record.by == "alice");
  CHECK(line->record.time == from_micros(1'764'279'600'123'456));
  CHECK(line->record.ns == std::vector<std::string>{"md.okx", "md.bybit"});
  CHECK(line->record.code == "permission_denied");
  CHECK(line->record.times == 3);
  CHECK(line->record.line == text);
}

TEST_CASE("whatever is in it, a line is one line of plain UTF-8 (A5)") {
  const auto seed = Catch::rngSeed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 20'000; ++trial) {
    AuditEntry entry = refusal({});
    for (std::string* text : {&entry.by, &entry.from, &entry.note, &entry.op}) {
      const std::size_t size = random() % 12;
      // Bytes that begin, go on with and end characters more often than chance would have it.
      constexpr std::string_view kLikely =
          "\r\n\x1b\x7f\"\\\xc2\x85\xe2\x80\xa8\xae\xf0\x9f\xa6\x8a\xff\xed\xa0";
      for (std::size_t i = 0; i < size; ++i)
        *text += random() % 2 == 0 ? kLikely[random() % kLikely.size()] : static_cast<char>(random() % 256);
    }
    AuditChain chain;
    std::string line;
    append_audit_line(line, entry, chain);
    REQUIRE(std::count_if(line.begin(), line.end(),
                          [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }) == 1);
    REQUIRE(nlohmann::json::accept(line));
    line.pop_back();
    const auto parsed = parse_audit_line(line);
    REQUIRE(parsed);
    for (const std::string_view hidden : {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xae", "\x1b"})
      REQUIRE(line.find(hidden) == std::string::npos);
  }
}

TEST_CASE("a chain that was touched anywhere is told, wherever it was") {
  const auto lines = chain_of(12);
  CHECK(is_whole(lines));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CAPTURE(i);
    for (std::size_t byte = 0; byte < lines[i].size(); byte += 3) {
      auto edited = lines;
      edited[i][byte] = static_cast<char>(edited[i][byte] ^ 1);
      CHECK_FALSE(is_whole(edited));
    }
    auto added = lines;
    added.insert(added.begin() + static_cast<std::ptrdiff_t>(i), lines[(i + 5) % lines.size()]);
    CHECK_FALSE(is_whole(added));
    if (i + 1 == lines.size()) continue;  // what is cut off the end, its kept hash tells
    auto moved = lines;
    std::swap(moved[i], moved[i + 1]);
    CHECK_FALSE(is_whole(moved));
    if (i == 0) continue;  // the oldest may be put away
    auto deleted = lines;
    deleted.erase(deleted.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK_FALSE(is_whole(deleted));
  }
  CHECK(is_whole({lines.begin() + 4, lines.end()}));
}

TEST_CASE("a line that was made anew without the chain does not continue it") {
  auto lines = chain_of(5);
  AuditChain chain;
  for (int i = 0; i < 2; ++i) {
    std::string other;
    append_audit_line(other, refusal("somebody else"), chain);
    other.pop_back();
    lines[static_cast<std::size_t>(i)] = other;
  }
  AuditVerifier verifier;
  CHECK(verifier.read(lines[0]));
  CHECK(verifier.read(lines[1]));
  CHECK_FALSE(verifier.read(lines[2]));
}

TEST_CASE("what is no line is told in words") {
  for (const char* text : {"", "{}", "{\"n\":1}", "[1]", "null", "x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_audit_line(text));
  }
}

}  // namespace prismbus
