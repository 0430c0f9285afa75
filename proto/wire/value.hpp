// Native types to values and back, by msgpack-c's own adaptors: bool, integers, double, std::string, vectors
// and maps of them, and anything with MSGPACK_DEFINE. The bytes obey section 2 of the contract or the broker
// refuses them.
#pragma once

#include <msgpack.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace prismbus {

// One 64-bit float, always as a float. (What is in vectors and maps goes through msgpack-c, which writes a
// whole number such as 2.0 as an integer; read as double it is the same number.)
[[nodiscard]] std::string encode_float(double number);

// An encoded value: exactly one MessagePack object.
template <class T>
[[nodiscard]] std::string encode_value(const T& native) {
  if constexpr (std::is_floating_point_v<T>) {
    return encode_float(native);
  } else {
    msgpack::sbuffer buffer;
    msgpack::pack(buffer, native);
    return {buffer.data(), buffer.size()};
  }
}

// nullopt when the bytes are no value (depth and sizes are bounded before anything is allocated).
[[nodiscard]] std::optional<msgpack::object_handle> unpack_value(std::string_view encoded);

// nullopt when the value has another type than T, or does not fit it.
template <class T>
[[nodiscard]] std::optional<T> decode_value(std::string_view encoded) {
  const auto handle = unpack_value(encoded);
  if (!handle) return std::nullopt;
  try {
    return handle->get().as<T>();
  } catch (const std::exception&) {  // msgpack-c reports a type mismatch by throwing; the codec is its wall
    return std::nullopt;
  }
}

}  // namespace prismbus
