#include "subscriber/view/scalar.hpp"

#include <bit>

namespace prismbus::scalar {
namespace {

// The big-endian number of `n` bytes after the first one; nullopt when the value is not exactly that long.
std::optional<std::uint64_t> fixed(std::string_view encoded, std::size_t n) {
  if (encoded.size() != n + 1) return std::nullopt;
  std::uint64_t v = 0;
  for (std::size_t i = 1; i <= n; ++i) v = v << 8 | static_cast<unsigned char>(encoded[i]);
  return v;
}

// The `n` bytes of a signed number, widened.
std::optional<Integer> signed_fixed(std::string_view encoded, std::size_t n) {
  const auto raw = fixed(encoded, n);
  if (!raw) return std::nullopt;
  const std::uint64_t sign = 1ull << (8 * n - 1);
  const bool negative = (*raw & sign) != 0;
  return Integer{negative, negative ? (*raw ^ sign) - sign : *raw};
}

std::optional<Integer> unsigned_fixed(std::string_view encoded, std::size_t n) {
  const auto raw = fixed(encoded, n);
  return raw ? std::optional<Integer>(Integer{false, *raw}) : std::nullopt;
}

}  // namespace

std::optional<bool> read_bool(std::string_view encoded) {
  if (encoded.size() != 1) return std::nullopt;
  const auto tag = static_cast<unsigned char>(encoded[0]);
  if (tag != 0xc2 && tag != 0xc3) return std::nullopt;
  return tag == 0xc3;
}

std::optional<Integer> read_integer(std::string_view encoded) {
  if (encoded.empty()) return std::nullopt;
  const auto tag = static_cast<unsigned char>(encoded[0]);
  if (tag <= 0x7f) return encoded.size() == 1 ? std::optional<Integer>(Integer{false, tag}) : std::nullopt;
  if (tag >= 0xe0) {
    if (encoded.size() != 1) return std::nullopt;
    return Integer{true, std::uint64_t{tag} | 0xffff'ffff'ffff'ff00ull};
  }
  switch (tag) {
    case 0xcc:
      return unsigned_fixed(encoded, 1);
    case 0xcd:
      return unsigned_fixed(encoded, 2);
    case 0xce:
      return unsigned_fixed(encoded, 4);
    case 0xcf:
      return unsigned_fixed(encoded, 8);
    case 0xd0:
      return signed_fixed(encoded, 1);
    case 0xd1:
      return signed_fixed(encoded, 2);
    case 0xd2:
      return signed_fixed(encoded, 4);
    case 0xd3:
      return signed_fixed(encoded, 8);
    default:
      return std::nullopt;
  }
}

std::optional<double> read_double(std::string_view encoded) {
  if (encoded.empty()) return std::nullopt;
  const auto tag = static_cast<unsigned char>(encoded[0]);
  if (tag == 0xca) {
    const auto raw = fixed(encoded, 4);
    return raw ? std::optional<double>(double{std::bit_cast<float>(static_cast<std::uint32_t>(*raw))})
               : std::nullopt;
  }
  if (tag == 0xcb) {
    const auto raw = fixed(encoded, 8);
    return raw ? std::optional<double>(std::bit_cast<double>(*raw)) : std::nullopt;
  }
  const auto integer = read_integer(encoded);
  if (!integer) return std::nullopt;
  return integer->negative ? static_cast<double>(static_cast<std::int64_t>(integer->bits))
                           : static_cast<double>(integer->bits);
}

std::optional<std::string_view> read_text(std::string_view encoded) {
  if (encoded.empty()) return std::nullopt;
  const auto tag = static_cast<unsigned char>(encoded[0]);
  std::size_t header = 1;
  std::uint64_t size = 0;
  if (tag >= 0xa0 && tag <= 0xbf) {
    size = tag & 0x1f;
  } else if (tag >= 0xd9 && tag <= 0xdb) {
    const std::size_t n = std::size_t{1} << (tag - 0xd9);
    if (encoded.size() < n + 1) return std::nullopt;
    header += n;
    size = *fixed(encoded.substr(0, header), n);
  } else {
    return std::nullopt;
  }
  if (encoded.size() - header != size) return std::nullopt;
  return encoded.substr(header);
}

}  // namespace prismbus::scalar
