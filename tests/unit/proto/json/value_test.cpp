#include "proto/json/value.hpp"

#include <catch2/catch.hpp>

#include "proto/json/base64.hpp"
#include "tests/unit/proto/json/random_value.hpp"

using namespace prismbus;

TEST_CASE("a value goes through MessagePack and comes back equal") {
  const std::uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3000; ++i) {
    const Value value = random_value(random, 4);
    const auto back = from_message_pack(to_message_pack(value));
    REQUIRE(back);
    REQUIRE(*back == value);
  }
}

TEST_CASE("bytes that are not exactly one value are refused") {
  CHECK_FALSE(from_message_pack(""));
  CHECK_FALSE(from_message_pack("\xc1"));
  CHECK_FALSE(from_message_pack(std::string("\x01\x02", 2)));
  CHECK_FALSE(from_message_pack(std::string("\x92\x01", 2)));
  CHECK_FALSE(from_message_pack(std::string("\xdd\xff\xff\xff\xff", 5)));  // an array of 4 billion
  CHECK_FALSE(from_message_pack(std::string(100'000, '\x91')));            // depth
}

TEST_CASE("equality compares types and contents, and not the order of maps") {
  const auto map = [](const char* a, const char* b) {
    return Value::map({{Value::text(a), Value::number(1)}, {Value::text(b), Value::number(1)}});
  };
  CHECK(map("a", "b") == map("b", "a"));
  CHECK_FALSE(map("a", "b") == map("a", "c"));
  CHECK_FALSE(Value::real(1) == Value::number(1));
  CHECK_FALSE(Value::text("1") == Value::number(1));
  CHECK_FALSE(Value::real(0.0) == Value::real(-0.0));
  CHECK(Value::integer(5) == Value::number(5));
}

TEST_CASE("base64 takes only its canonical form") {
  CHECK(to_base64("") == "");
  CHECK(to_base64("f") == "Zg==");
  CHECK(to_base64("fo") == "Zm8=");
  CHECK(to_base64("foo") == "Zm9v");
  CHECK(from_base64("Zm9v") == "foo");
  CHECK(from_base64("Zg==") == "f");
  for (const char* bad :
       {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9-", "Zm9v\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(from_base64(bad));
  }
  std::mt19937_64 random(7);
  for (std::size_t n = 0; n < 100; ++n) {
    std::string bytes(n, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    CHECK(from_base64(to_base64(bytes)) == bytes);
  }
}
