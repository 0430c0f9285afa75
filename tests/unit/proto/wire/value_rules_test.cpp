#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>

#include "proto/wire/codec/request.hpp"
#include "proto/wire/limits.hpp"
#include "tests/unit/proto/wire/json_bytes.hpp"

using namespace prismbus;
using codec::validate_value;
using testing::pack_text;

namespace {

std::string bytes(std::initializer_list<int> list) {
  std::string out;
  for (const int b : list) out.push_back(static_cast<char>(b));
  return out;
}

std::string nested(std::size_t depth) {
  return std::string(depth - 1, '\x91') + '\x90';
}

void check_refused(const std::string& value) {
  const auto result = validate_value(value, "value");
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::invalid_argument);
  CHECK(result.error().field == "value");
}

}  // namespace

TEST_CASE("any one MessagePack value is a value") {
  for (const char* json : {"null", "true", "0", "-1", "18446744073709551615", "-9223372036854775808", "1.5",
                           "\"\"", "\"caf\u00e9\"", "[]", "{}", "[1,[2,[3,{}]]]", "{\"a\":{\"a\":{\"a\":1}}}",
                           "{\"$bin\":\"raw\"}", "{\"a\":[{\"b\":1},{\"b\":2}],\"c\":{\"d\":[null]}}"}) {
    CAPTURE(json);
    CHECK(validate_value(pack_text(json), "value"));
  }
}

TEST_CASE("a value is exactly one value") {
  check_refused("");
  check_refused(bytes({0xc0, 0xc0}));
  check_refused(bytes({0x92, 0xc0}));
  check_refused(bytes({0x81, 0xa1, 'a'}));
  check_refused(bytes({0xc1}));
  check_refused(bytes({0xdd, 0xff, 0xff, 0xff, 0xff}));
  check_refused(bytes({0x90, 0x90}));
}

TEST_CASE("strings of a value are UTF-8 wherever they stand") {
  check_refused(bytes({0xa1, 0xff}));
  check_refused(bytes({0x81, 0xa1, 0xff, 0xc0}));
  check_refused(bytes({0x91, 0xa2, 0xc3, 0x28}));
  CHECK(validate_value(bytes({0xc4, 1, 0xff}), "value"));  // bin is any bytes
}

TEST_CASE("map keys are strings, integers or bin, and unique by value") {
  CHECK(validate_value(bytes({0x83, 0x01, 0xc0, 0xff, 0xc0, 0xc4, 1, 0xff, 0xc0}), "value"));
  CHECK(
      validate_value(bytes({0x82, 0xa1, 'a', 0xc0, 0xc4, 1, 'a', 0xc0}), "value"));  // a string is not a bin
  CHECK(validate_value(bytes({0x82, 0x01, 0xc0, 0xa1, 0x01, 0xc0}), "value"));
  check_refused(bytes({0x82, 0xa1, 'a', 0xc0, 0xa1, 'a', 0xc0}));
  check_refused(bytes({0x82, 0xa1, 'a', 0xc0, 0xd9, 1, 'a', 0xc0}));  // the same string, encoded longer
  check_refused(bytes({0x82, 0x01, 0xc0, 0xcc, 0x01, 0xc0}));         // the same number
  check_refused(bytes({0x82, 0x01, 0xc0, 0xd0, 0x01, 0xc0}));
  check_refused(bytes({0x82, 0xff, 0xc0, 0xd1, 0xff, 0xff, 0xc0}));  // -1 twice
  check_refused(bytes({0x81, 0xc0, 0xc0}));  // nil, bool, float, array, map, ext as key
  check_refused(bytes({0x81, 0xc3, 0xc0}));
  check_refused(bytes({0x81, 0xca, 0, 0, 0, 0, 0xc0}));
  check_refused(bytes({0x81, 0x90, 0xc0}));
  check_refused(bytes({0x81, 0x80, 0xc0}));
  check_refused(bytes({0x81, 0xd4, 1, 1, 0xc0}));
  check_refused(bytes({0x81, 0xa1, 'm', 0x82, 0x05, 0xc0, 0x05, 0xc0}));  // in an inner map
  check_refused(bytes({0x92, 0x81, 0x01, 0xc0, 0x82, 0x02, 0xc0, 0x02, 0xc0}));
}

TEST_CASE("a key repeated far apart is found in maps of every size and order") {
  for (const int n : {2, 7, 8, 9, 100, 5000}) {
    for (const bool ascending : {true, false}) {
      CAPTURE(n, ascending);
      std::string pairs;
      for (int i = 0; i < n; ++i) {
        const std::string name = "a-common-beginning-" + std::to_string(10'000 + (ascending ? i : n - i));
        pairs += bytes({0xd9, static_cast<int>(name.size())}) + name + '\xc0';
      }
      const std::string first = pairs.substr(0, pairs.find('\xc0') + 1);
      CHECK(validate_value(bytes({0xde, n >> 8, n & 0xff}) + pairs, "value"));
      check_refused(bytes({0xde, (n + 1) >> 8, (n + 1) & 0xff}) + pairs + first);
    }
  }
}

TEST_CASE("ext types are 0 and above, or a well-formed timestamp") {
  CHECK(validate_value(bytes({0xd4, 0, 1}), "value"));
  CHECK(validate_value(bytes({0xd4, 127, 1}), "value"));
  CHECK(validate_value(bytes({0xc7, 0, 5}), "value"));
  check_refused(bytes({0xd4, 0xfe, 1}));  // -2
  check_refused(bytes({0xd4, 0x80, 1}));  // -128
  CHECK(validate_value(bytes({0xd6, 0xff, 1, 2, 3, 4}), "value"));
  // 64-bit form: nanoseconds are the first 30 bits; 999,999,999 << 2 = 0xee6b27fc
  CHECK(validate_value(bytes({0xd7, 0xff, 0xee, 0x6b, 0x27, 0xff, 0, 0, 0, 1}), "value"));
  check_refused(bytes({0xd7, 0xff, 0xee, 0x6b, 0x28, 0x00, 0, 0, 0, 1}));
  // 96-bit form: nanoseconds are the first 32 bits; 999,999,999 = 0x3b9ac9ff
  CHECK(validate_value(
      bytes({0xc7, 12, 0xff, 0x3b, 0x9a, 0xc9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
      "value"));
  check_refused(bytes({0xc7, 12, 0xff, 0x3b, 0x9a, 0xca, 0x00, 0, 0, 0, 0, 0, 0, 0, 1}));
  check_refused(bytes({0xd5, 0xff, 1, 2}));
  check_refused(bytes({0xc7, 0, 0xff}));
  check_refused(bytes({0xc7, 5, 0xff, 1, 2, 3, 4, 5}));
}

TEST_CASE("a value is at most 32 containers deep; more is too_large with limit and size") {
  CHECK(validate_value(nested(32), "value"));
  for (const std::size_t depth : {33u, 100'000u}) {
    const auto result = validate_value(nested(depth), "value");
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::too_large);
    CHECK(result.error().limit == 32u);
    CHECK(result.error().size == 33u);  // where reading stopped
  }
  std::string maps;
  for (int i = 0; i < 32; ++i) maps += "\x81\x01";
  CHECK(validate_value(maps + '\x05', "value"));
  CHECK_FALSE(validate_value("\x81\x01" + maps + '\x05', "value"));
}

TEST_CASE("a value is at most 1 MiB; more is too_large with limit and size") {
  const auto bin_of = [](std::size_t size) {
    return bytes({0xc6, static_cast<int>(size >> 24), static_cast<int>(size >> 16 & 0xff),
                  static_cast<int>(size >> 8 & 0xff), static_cast<int>(size & 0xff)}) +
           std::string(size, 'x');
  };
  CHECK(validate_value(bin_of(limits::kValueBytes - 5), "value"));
  const auto result = validate_value(bin_of(limits::kValueBytes - 4), "do[3].value");
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::too_large);
  CHECK(result.error().field == "do[3].value");
  CHECK(result.error().limit == limits::kValueBytes);
  CHECK(result.error().size == limits::kValueBytes + 1);
}
