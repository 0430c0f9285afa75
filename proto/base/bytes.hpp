// Bytes: std::string owns them, std::string_view lends them; big-endian integers as they stand in disk keys.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace prismbus {

inline void store_be64(char* out, std::uint64_t v) {
  v = __builtin_bswap64(v);
  std::memcpy(out, &v, 8);
}
[[nodiscard]] inline std::uint64_t load_be64(const char* in) {
  std::uint64_t v = 0;
  std::memcpy(&v, in, 8);
  return __builtin_bswap64(v);
}
inline void append_be64(std::string& out, std::uint64_t v) {
  char b[8];
  store_be64(b, v);
  out.append(b, 8);
}

// Lets unordered containers keyed by std::string be asked with a std::string_view.
struct BytesHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
};

}  // namespace prismbus
