#include "proto/wire/value.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

using namespace prismbus;

TEST_CASE("native values come back as they went") {
  CHECK(decode_value<int>(encode_value(-5)) == -5);
  CHECK(decode_value<bool>(encode_value(true)) == true);
  CHECK(decode_value<double>(encode_value(1.25)) == 1.25);
  CHECK(encode_value(2.0) == std::string("\xcb\x40\0\0\0\0\0\0\0", 9));  // a float stays one, whole or not
  CHECK(decode_value<std::string>(encode_value(std::string("text"))) == "text");
  const std::map<std::string, std::vector<std::uint64_t>> tiers{{"BTC", {1, 2, 3}}, {"ETH", {}}};
  CHECK(decode_value<std::map<std::string, std::vector<std::uint64_t>>>(encode_value(tiers)) == tiers);
}

TEST_CASE("a value of another type or that does not fit decodes to nothing") {
  CHECK(decode_value<int>(encode_value(std::string("5"))) == std::nullopt);
  CHECK(decode_value<std::uint8_t>(encode_value(300)) == std::nullopt);
  CHECK(decode_value<unsigned>(encode_value(-1)) == std::nullopt);
  CHECK(decode_value<std::string>(encode_value(5)) == std::nullopt);
}

TEST_CASE("bytes that are no value unpack to nothing, and claims cost nothing") {
  CHECK_FALSE(unpack_value(""));
  CHECK_FALSE(unpack_value("\xc1"));
  CHECK_FALSE(unpack_value("\x05\x05"));
  CHECK_FALSE(unpack_value(std::string_view("\xdd\xff\xff\xff\xff", 5)));
  CHECK_FALSE(unpack_value(std::string_view("\xdf\xff\xff\xff\xff", 5)));
  CHECK_FALSE(unpack_value(std::string(100'000, '\x91') + '\xc0'));
  CHECK(unpack_value(std::string(32, '\x91') + '\xc0'));
  CHECK_FALSE(unpack_value(std::string(33, '\x91') + '\xc0'));
}
