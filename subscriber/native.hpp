// Every native type that msgpack-c can read, for View::get<T>: std::string, vectors, maps, MSGPACK_DEFINE
// structs. Apart from view.hpp because msgpack.hpp is large.
#pragma once

#include <optional>
#include <string_view>

#include "proto/wire/value.hpp"
#include "subscriber/view/scalar.hpp"

namespace prismbus {

template <class T>
struct NativeReader {
  [[nodiscard]] static std::optional<T> read(std::string_view encoded) { return decode_value<T>(encoded); }
};

}  // namespace prismbus
