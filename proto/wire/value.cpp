#include "proto/wire/value.hpp"

#include <bit>
#include <exception>

#include "proto/base/bytes.hpp"
#include "proto/wire/codec/cursor.hpp"
#include "proto/wire/limits.hpp"

namespace prismbus {

std::string encode_float(double number) {
  std::string out(1, '\xcb');
  append_be64(out, std::bit_cast<std::uint64_t>(number));
  return out;
}

std::optional<msgpack::object_handle> unpack_value(std::string_view encoded) {
  // Our own walk first: msgpack-c reserves what a header claims, the walk only passes claims the bytes keep.
  codec::Cursor cursor(encoded);
  if (encoded.size() > limits::kMessageBytes || !cursor.skip(limits::kValueDepth) || !cursor.at_end())
    return std::nullopt;
  const auto bound = encoded.size();
  try {
    return msgpack::unpack(encoded.data(), encoded.size(), nullptr, nullptr,
                           msgpack::unpack_limit(bound, bound, bound, bound, bound, limits::kMessageDepth));
  } catch (const std::exception&) {  // msgpack-c's way to say malformed; the codec is its wall
    return std::nullopt;
  }
}

}  // namespace prismbus
