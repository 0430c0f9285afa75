#include "proto/wire/names.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "proto/wire/messages.hpp"

using namespace prismbus;
using namespace std::string_literals;

TEST_CASE("namespaces are taken as they are or refused") {
  for (const auto& good :
       {"a"s, "a.b.c"s, "A-b_9.x"s, "_system.policy"s, "-"s, "a._b"s, std::string(120, 'n')}) {
    CAPTURE(good);
    CHECK(validate_namespace(good, "ns"));
  }
  for (const auto& bad : {""s, "."s, ".a"s, "a."s, "a..b"s, "a b"s, "a/b"s, "a\0b"s, "\xc3\xa9"s, "a%2e"s,
                          "a\n"s, "a*"s, std::string(121, 'n'), std::string(100'000, '.')}) {
    CAPTURE(bad);
    const auto result = validate_namespace(bad, "where");
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::invalid_argument);
    CHECK(result.error().field == "where");
    if (bad.size() > 1)
      CHECK(result.error().message.find(bad) == std::string::npos);  // a refused name is not repeated
  }
}

TEST_CASE("keys are UTF-8 without control characters, 1 to 255 bytes") {
  for (const auto& good : {"k"s, " "s, "a/b\\*?."s, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"s, "\xc2\x80"s,
                           std::string(255, 'k')}) {
    CAPTURE(good);
    CHECK(validate_key(good, "key"));
  }
  for (const auto& bad : {""s, "a\0"s, "\x1f"s, "\x7f"s, "a\nb"s, "\xff"s, "\xc3"s, std::string(256, 'k')}) {
    CAPTURE(bad);
    const auto result = validate_key(bad, "key");
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("UTF-8 is refused where it is overlong, a surrogate, cut or above U+10FFFF") {
  for (const auto& good :
       {""s, "plain ascii, longer than a word"s, "\xc2\x80"s, "\xdf\xbf"s, "\xe0\xa0\x80"s, "\xed\x9f\xbf"s,
        "\xee\x80\x80"s, "\xef\xbf\xbf"s, "\xf0\x90\x80\x80"s, "\xf4\x8f\xbf\xbf"s, "\0"s}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const auto& bad :
       {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc2"s, "\xc2 "s, "\xe0\x9f\xbf"s, "\xed\xa0\x80"s,
        "\xed\xbf\xbf"s, "\xe2\x82"s, "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xfe"s,
        "\xff"s, "\xf0\x9f\x98"s, "abcdefgh\x80"s, "1234567\xc3"s}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("everything under a name is the name itself and what follows it after a dot") {
  CHECK(is_under("a", "a"));
  CHECK(is_under("a.b", "a"));
  CHECK_FALSE(is_under("ab", "a"));
  CHECK_FALSE(is_under("a-b", "a"));
  CHECK_FALSE(is_under("a", "a.b"));
  CHECK(is_under("a.b", ""));
  CHECK_FALSE(is_under("_system.policy", ""));
  CHECK(is_under("_system.policy", "_system"));
  CHECK(is_system_namespace("_system"));
  CHECK_FALSE(is_system_namespace("a._system"));
}

TEST_CASE("topics end in a slash, so none is the beginning of another namespace's") {
  CHECK(topic_of("a.b") == "a.b/");
  CHECK_FALSE(topic_of("ab").starts_with(topic_of("a")));
  CHECK(kHeartbeatTopic.size() == 4);
  CHECK(kBarrierPrefix.size() == 5);
}

TEST_CASE("an entry's hash is XXH3 of key, a zero byte and the revision in big-endian") {
  // Figures from a C program over libxxhash; the last key is longer than any valid one.
  CHECK(entry_hash("k", Revision(1)) != entry_hash("k", Revision(2)));
  CHECK(entry_hash("k", Revision(1)) != entry_hash("l", Revision(1)));
  CHECK(entry_hash("alpha/beta", Revision(7)) == 0x562bc1335e93d865);
  CHECK(entry_hash(std::string(255, 'k'), Revision(1)) == 0xe40b7e94352dc47c);
  CHECK(entry_hash(std::string(256, 'k'), Revision(1)) == 0x3573fc215aa72b55);
}
