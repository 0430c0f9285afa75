#include "proto/seal/stream_key.hpp"

#include <catch2/catch.hpp>

#include <new>
#include <string>
#include <type_traits>

using namespace prismbus;

namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

}  // namespace

TEST_CASE("a key is exactly 32 bytes") {
  const std::string bytes(32, 'k');
  REQUIRE(StreamKey::from(bytes));
  CHECK((StreamKey::from(bytes)->bytes() == bytes));
  CHECK_FALSE(StreamKey::from(std::string(31, 'k')).has_value());
  CHECK_FALSE(StreamKey::from(std::string(33, 'k')).has_value());
  CHECK_FALSE(StreamKey::from("").has_value());
}

TEST_CASE("I10: a key cannot be printed, and each copy is wiped when it ends") {
  STATIC_REQUIRE_FALSE(Printable<StreamKey>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<StreamKey, std::string_view>);
  alignas(StreamKey) unsigned char memory[sizeof(StreamKey)];
  auto* key = new (memory) StreamKey(*StreamKey::from(std::string(32, 'k')));
  CHECK(memory[0] == 'k');
  key->~StreamKey();
  const volatile unsigned char* left = memory;
  for (std::size_t i = 0; i < sizeof memory; ++i) CHECK(left[i] == 0);
}

TEST_CASE("keys are equal when all their bytes are") {
  const StreamKey a = *StreamKey::from(std::string(32, 'k'));
  std::string other(32, 'k');
  other.back() = 'K';
  CHECK((a == *StreamKey::from(std::string(32, 'k'))));
  CHECK((a != *StreamKey::from(other)));
  CHECK((a != StreamKey()));
}
