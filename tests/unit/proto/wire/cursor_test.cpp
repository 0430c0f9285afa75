#include "proto/wire/codec/cursor.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace prismbus;
using codec::Cursor;
using codec::Kind;
using codec::Token;
using codec::Trouble;

namespace {

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (const int b : list) out.push_back(static_cast<char>(b));
  return out;
}

Token only_token(const std::string& encoded) {
  Cursor cursor(encoded);
  Token token;
  REQUIRE(cursor.next(token));
  return token;
}

}  // namespace

TEST_CASE("the cursor reads every form of an integer by its value") {
  CHECK(only_token(bytes({0x7f})).number == 127);
  CHECK(only_token(bytes({0xcc, 0xff})).number == 255);
  CHECK(only_token(bytes({0xcd, 0x01, 0x00})).number == 256);
  CHECK(only_token(bytes({0xce, 0, 1, 0, 0})).number == 65536);
  CHECK(only_token(bytes({0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})).number == ~0ull);
  for (const auto& minus_one :
       {bytes({0xff}), bytes({0xd0, 0xff}), bytes({0xd1, 0xff, 0xff}), bytes({0xd2, 0xff, 0xff, 0xff, 0xff}),
        bytes({0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})}) {
    const Token token = only_token(minus_one);
    CHECK(token.kind == Kind::negative);
    CHECK(static_cast<std::int64_t>(token.number) == -1);
  }
  CHECK(static_cast<std::int64_t>(only_token(bytes({0xd1, 0x80, 0x00})).number) == -32768);
  CHECK(static_cast<std::int64_t>(only_token(bytes({0xe0})).number) == -32);
}

TEST_CASE("a signed form of a number that is not negative is an unsigned integer") {
  for (const auto& five : {bytes({5}), bytes({0xd0, 5}), bytes({0xd1, 0, 5}), bytes({0xd2, 0, 0, 0, 5}),
                           bytes({0xd3, 0, 0, 0, 0, 0, 0, 0, 5})}) {
    std::uint64_t n = 0;
    CHECK(Cursor(five).read_uint(n));
    CHECK(n == 5);
  }
}

TEST_CASE("a count or a length that the bytes left cannot hold is refused at its head") {
  const auto claims = {bytes({0xdd, 0xff, 0xff, 0xff, 0xff}),
                       bytes({0xdf, 0xff, 0xff, 0xff, 0xff}),
                       bytes({0xdc, 0xff, 0xff, 0xc0}),
                       bytes({0xde, 0x00, 0x02, 0xc0, 0xc0, 0xc0}),
                       bytes({0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}),
                       bytes({0xc6, 0x00, 0x00, 0x00, 0x02, 'a'}),
                       bytes({0xc9, 0xff, 0xff, 0xff, 0xff, 1, 2}),
                       bytes({0x91}),
                       bytes({0x81, 0xc0}),
                       bytes({0xa2, 'a'})};
  for (const auto& claim : claims) {
    Cursor cursor(claim);
    Token token;
    CHECK_FALSE(cursor.next(token));
    CHECK(cursor.trouble() == Trouble::truncated);
  }
}

TEST_CASE("every prefix of a value is truncated, never something else") {
  const std::string whole = bytes({0x82, 0xa1, 'a', 0x93, 0xc0, 0xcb, 1,    2, 3, 4, 5, 6, 7, 8, 0xc7,
                                   0x02, 0x05, 9,   9,    0xa1, 'b',  0xcf, 1, 2, 3, 4, 5, 6, 7, 8});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Cursor cursor(std::string_view(whole).substr(0, size));
    CHECK_FALSE(cursor.skip());
    CHECK(cursor.trouble() == Trouble::truncated);
    CHECK_FALSE(Cursor(std::string_view(whole).substr(0, size)).skip_any_depth());
  }
  Cursor cursor(whole);
  CHECK(cursor.skip());
  CHECK(cursor.at_end());
}

TEST_CASE("depth is counted in containers: a scalar is 0, an empty array 1") {
  const auto nested = [](std::size_t n) { return std::string(n - 1, '\x91') + '\x90'; };
  CHECK(Cursor("\x05").skip(0));
  CHECK_FALSE(Cursor(nested(1)).skip(0));
  CHECK(Cursor(nested(1)).skip(1));
  CHECK(Cursor(nested(40)).skip(40));
  CHECK_FALSE(Cursor(nested(41)).skip(40));
}

TEST_CASE("a hundred thousand containers within each other are refused, and passed in constant space") {
  const std::string deep = std::string(100'000, '\x91') + '\xc0';
  Cursor bounded(deep);
  CHECK_FALSE(bounded.skip());
  CHECK(bounded.trouble() == Trouble::too_deep);
  Cursor unbounded(deep);
  CHECK(unbounded.skip_any_depth());
  CHECK(unbounded.at_end());
}

TEST_CASE("the byte MessagePack never uses is malformed, and trouble is final") {
  Cursor cursor("\xc1\x05");
  Token token;
  CHECK_FALSE(cursor.next(token));
  CHECK(cursor.trouble() == Trouble::malformed);
  CHECK_FALSE(cursor.next(token));
}

TEST_CASE("a typed read of another type leaves the cursor where it was") {
  Cursor cursor("\xa1x");
  std::uint64_t n = 0;
  std::uint32_t items = 0;
  MessageId id;
  bool flag = false;
  std::string_view text;
  CHECK_FALSE(cursor.read_uint(n));
  CHECK_FALSE(cursor.read_integer(id));
  CHECK_FALSE(cursor.read_boolean(flag));
  CHECK_FALSE(cursor.read_nil());
  CHECK_FALSE(cursor.read_array(items));
  CHECK_FALSE(cursor.read_map(items));
  CHECK_FALSE(cursor.read_bin(text));
  CHECK(cursor.read_text(text));
  CHECK(text == "x");
}
