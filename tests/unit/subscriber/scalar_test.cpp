// Scalars read in place agree with msgpack-c, whatever the bytes.
#include "subscriber/view/scalar.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "subscriber/native.hpp"

using namespace prismbus;

namespace {

template <class T>
void agree(const std::string& bytes) {
  const auto ours = read_native<T>(bytes);
  const auto theirs = decode_value<T>(bytes);
  CAPTURE(bytes.size());
  REQUIRE(ours.has_value() == theirs.has_value());
  if (ours) REQUIRE(((*ours == *theirs) || (*ours != *ours)));  // NaN equals nothing
}

template <class... T>
void agree_all(const std::string& bytes) {
  (agree<T>(bytes), ...);
}

}  // namespace

TEST_CASE("integers, floats, booleans and text are read as msgpack-c reads them") {
  for (const std::int64_t v :
       {0ll, 1ll, -1ll, 127ll, 128ll, -32ll, -33ll, -128ll, -129ll, 255ll, 256ll, 65535ll, 65536ll, -32768ll,
        -32769ll, 4294967295ll, 4294967296ll, -2147483648ll, -2147483649ll}) {
    agree_all<std::int8_t, std::uint8_t, std::int16_t, std::uint32_t, std::int64_t, std::uint64_t, double,
              float>(encode_value(v));
  }
  agree_all<std::int64_t, std::uint64_t, double>(encode_value(~std::uint64_t{0}));
  agree_all<double, float, int, bool>(encode_value(1.5));
  agree_all<double, float, int, bool>(encode_value(2.5f));
  agree_all<bool, int, double, std::string>(encode_value(true));
  agree_all<std::string, int, bool>(encode_value(std::string(40, 'x')));
  agree_all<std::string, int>(encode_value(std::string(70'000, 'y')));
  CHECK(read_native<std::string_view>(encode_value(std::string("lent"))) == "lent");
}

TEST_CASE("random bytes are never read as something msgpack-c would refuse") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes;
    for (std::uint64_t n = random() % 10; n > 0; --n) bytes += static_cast<char>(random());
    if (read_native<std::int32_t>(bytes))
      REQUIRE(decode_value<std::int32_t>(bytes) == read_native<std::int32_t>(bytes));
    if (read_native<bool>(bytes)) REQUIRE(decode_value<bool>(bytes) == read_native<bool>(bytes));
    if (read_native<double>(bytes)) REQUIRE(decode_value<double>(bytes).has_value());
    if (read_native<std::string>(bytes)) REQUIRE(bytes.size() >= 1);
  }
}

TEST_CASE("containers are read through native.hpp") {
  const std::map<std::string, std::vector<int>> tiers{{"a", {1, 2}}, {"b", {}}};
  CHECK(read_native<std::map<std::string, std::vector<int>>>(encode_value(tiers)) == tiers);
  CHECK_FALSE(read_native<std::vector<int>>(encode_value(std::string("no"))));
}
