#include "broker/core/cursor_token.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "broker/core/namespace_ranges.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

const Epoch kEpoch{0x1122334455667788};

ErrorCode refusal(std::string_view bytes, Revision at = Revision(100)) {
  const auto cursor = decode_cursor(bytes, CursorKind::list, kEpoch, at);
  REQUIRE_FALSE(cursor.has_value());
  if (cursor.error().code == ErrorCode::invalid_argument) CHECK(cursor.error().field == "after");
  return cursor.error().code;
}

}  // namespace

TEST_CASE("a cursor comes back as it was given") {
  const CursorToken cursor{CursorKind::list, kEpoch, Revision(7), 42, "a.b", std::string(255, 'k')};
  const auto back = decode_cursor(encode_cursor(cursor), CursorKind::list, kEpoch, Revision(7));
  REQUIRE(back.has_value());
  CHECK(back->rev == cursor.rev);
  CHECK(back->n == 42);
  CHECK(back->ns == cursor.ns);
  CHECK(back->key == cursor.key);
}

TEST_CASE("the longest cursor fits the limit of `after`") {
  const CursorToken cursor{CursorKind::list,
                           kEpoch,
                           Revision(7),
                           42,
                           std::string(limits::kNsBytes, 'n'),
                           std::string(limits::kKeyBytes, 'k')};
  CHECK(encode_cursor(cursor).size() <= limits::kCursorBytes);
}

TEST_CASE("a cursor of another op, epoch or a later revision is refused by its own code") {
  const std::string bytes = encode_cursor({CursorKind::list, kEpoch, Revision(7), 0, "a", "k"});
  CHECK(decode_cursor(bytes, CursorKind::snapshot, kEpoch, Revision(7)).error().code ==
        ErrorCode::invalid_argument);
  CHECK(decode_cursor(bytes, CursorKind::list, Epoch(1), Revision(7)).error().code ==
        ErrorCode::other_history);
  CHECK(refusal(bytes, Revision(6)) == ErrorCode::unavailable);
}

TEST_CASE("decoding a cursor is total: every cut, flip and random string is a cursor or a refusal") {
  const std::string bytes = encode_cursor({CursorKind::list, kEpoch, Revision(7), 0, "a.b", "key"});
  for (std::size_t n = 0; n < 27; ++n) CHECK(refusal(bytes.substr(0, n)) == ErrorCode::invalid_argument);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    if (const auto cursor = decode_cursor(flipped, CursorKind::list, kEpoch, Revision(100))) {
      CHECK((cursor->ns.empty() || is_namespace(cursor->ns)));
      CHECK((cursor->key.empty() || is_key(cursor->key)));
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string noise = bytes.substr(0, random() % 3);
    for (std::size_t n = random() % 60; n > 0; --n) noise += static_cast<char>(random());
    static_cast<void>(decode_cursor(noise, CursorKind::list, kEpoch, Revision(100)));
  }
}

TEST_CASE("a name in a cursor that is no name is refused") {
  CHECK(refusal(encode_cursor({CursorKind::list, kEpoch, Revision(7), 0, "a/b", "k"})) ==
        ErrorCode::invalid_argument);
  CHECK(refusal(encode_cursor({CursorKind::list, kEpoch, Revision(7), 0, "a", "k\n"})) ==
        ErrorCode::invalid_argument);
  CHECK(refusal(encode_cursor({CursorKind::list, kEpoch, Revision(7), 0, "a", std::string(256, 'k')})) ==
        ErrorCode::invalid_argument);
}

TEST_CASE("ranges cover exactly what is_under covers, at any length") {
  const std::string longest(limits::kNsBytes, 'n');
  const std::string shorter(limits::kNsBytes - 2, 'n');
  std::vector<std::string> names{
      "a", "a-b", "a.b",  "a.b.c", "a0",    "ab",           "A",
      "b", "_s",  "_s.x", "z",     longest, shorter + ".n", std::string(limits::kNsBytes - 1, 'n')};
  for (std::string under : {"", "a", "a.b", "b", "_s", "zz"}) {
    for (const std::string& ns : names) {
      bool covered = false;
      for (const auto& range : at_and_below(under))
        covered = covered || (ns >= range.first && range.before_end(ns));
      CHECK(covered == is_under(ns, under));
    }
  }
  for (const auto& range : at_and_below(longest)) CHECK(range.first.size() <= limits::kNsBytes);
  for (const auto& range : at_and_below(shorter)) CHECK(range.first.size() <= limits::kNsBytes);
  CHECK(at_and_below(longest).size() == 1);
  for (const auto& range : exactly("a")) {
    CHECK(range.before_end("a"));
    CHECK_FALSE(range.before_end("a-b"));
    CHECK_FALSE(range.before_end("a.b"));
  }
}

}  // namespace prismbus
