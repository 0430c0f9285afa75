// validate_value against the rules spelled a second time over msgpack-c's objects: both say yes, or both no.
#include <set>
#include <tuple>

#include "proto/wire/codec/request.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"
#include "proto/wire/value.hpp"
#include "tests/fuzz/oracle.hpp"

using namespace prismbus;
namespace type = msgpack::type;

namespace {

bool valid_text(const msgpack::object& object) {
  return is_utf8({object.via.str.ptr, object.via.str.size});
}

bool valid_ext(const msgpack::object& object) {
  if (object.via.ext.type() >= 0) return true;
  if (object.via.ext.type() != -1) return false;
  const auto* bytes = reinterpret_cast<const unsigned char*>(object.via.ext.data());
  const auto size = object.via.ext.size;
  if (size == 4) return true;
  if (size != 8 && size != 12) return false;
  const std::uint64_t word = std::uint64_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
  return (size == 8 ? word / 4 : word) < 1'000'000'000;
}

using Key = std::tuple<int, std::uint64_t, std::string_view>;

bool take_key(const msgpack::object& key, std::set<Key>& keys) {
  switch (key.type) {
    case type::STR:
      return valid_text(key) &&
             keys.emplace(1, 0, std::string_view(key.via.str.ptr, key.via.str.size)).second;
    case type::BIN:
      return keys.emplace(2, 0, std::string_view(key.via.bin.ptr, key.via.bin.size)).second;
    case type::POSITIVE_INTEGER:
      return keys.emplace(3, key.via.u64, std::string_view()).second;
    case type::NEGATIVE_INTEGER:
      return keys.emplace(4, static_cast<std::uint64_t>(key.via.i64), std::string_view()).second;
    default:
      return false;
  }
}

bool valid(const msgpack::object& object, std::size_t depth_left) {
  if (object.type == type::STR) return valid_text(object);
  if (object.type == type::EXT) return valid_ext(object);
  if (object.type != type::ARRAY && object.type != type::MAP) return true;
  if (depth_left == 0) return false;
  if (object.type == type::ARRAY) {
    for (std::uint32_t i = 0; i < object.via.array.size; ++i) {
      if (!valid(object.via.array.ptr[i], depth_left - 1)) return false;
    }
    return true;
  }
  std::set<Key> keys;
  for (std::uint32_t i = 0; i < object.via.map.size; ++i) {
    if (!take_key(object.via.map.ptr[i].key, keys) || !valid(object.via.map.ptr[i].val, depth_left - 1))
      return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_bytes(data, size);
  const auto result = codec::validate_value(bytes, "value");
  if (result) {
    FUZZ_CHECK(unpack_value(bytes).has_value());
  } else {
    FUZZ_CHECK(result.error().field == "value" && !result.error().message.empty());
  }
  if (size > fuzz::kOracleBytes) return 0;
  const auto unpacked = fuzz::unpack_first(bytes);
  const bool obeys = unpacked && unpacked->used == size && valid(unpacked->handle.get(), limits::kValueDepth);
  FUZZ_CHECK(result.has_value() == obeys);
  return 0;
}
