// Native scalars and text out of encoded MessagePack values, in place: no allocation (but std::string's own).
// Conversions are msgpack-c's: an integer is read as any integer type it fits and as a floating-point number,
// a float as any floating-point type.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace prismbus {

namespace scalar {
struct Integer {
  bool negative = false;
  std::uint64_t bits = 0;  // two's complement when negative
};
// Each: nullopt when `encoded` is not exactly one value of that kind.
[[nodiscard]] std::optional<bool> read_bool(std::string_view encoded);
[[nodiscard]] std::optional<Integer> read_integer(std::string_view encoded);
[[nodiscard]] std::optional<double> read_double(std::string_view encoded);  // floats and integers
[[nodiscard]] std::optional<std::string_view> read_text(std::string_view encoded);
}  // namespace scalar

// Types that are not read here are added by subscriber/native.hpp.
template <class T>
struct NativeReader;

template <class T>
concept HasNativeReader = requires {
  sizeof(NativeReader<T>);
};

template <class T>
[[nodiscard]] std::optional<T> read_native(std::string_view encoded) {
  if constexpr (std::same_as<T, bool>) {
    return scalar::read_bool(encoded);
  } else if constexpr (std::integral<T>) {
    const auto i = scalar::read_integer(encoded);
    if (!i) return std::nullopt;
    if (i->negative) {
      const auto v = static_cast<std::int64_t>(i->bits);
      if constexpr (std::is_unsigned_v<T>) {
        return std::nullopt;
      } else {
        if (v < std::int64_t{std::numeric_limits<T>::min()}) return std::nullopt;
        return static_cast<T>(v);
      }
    }
    if (i->bits > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return std::nullopt;
    return static_cast<T>(i->bits);
  } else if constexpr (std::floating_point<T>) {
    const auto d = scalar::read_double(encoded);
    return d ? std::optional<T>(static_cast<T>(*d)) : std::nullopt;
  } else if constexpr (std::same_as<T, std::string_view>) {
    return scalar::read_text(encoded);
  } else if constexpr (std::same_as<T, std::string>) {
    const auto text = scalar::read_text(encoded);
    return text ? std::optional<T>(*text) : std::nullopt;
  } else {
    static_assert(HasNativeReader<T>,
                  "to read this type, #include <subscriber/native.hpp> before its first use");
    return NativeReader<T>::read(encoded);
  }
}

}  // namespace prismbus
