// Bytes as libsodium takes them. The one place that reinterprets them for it.
#pragma once

namespace prismbus {

[[nodiscard]] inline unsigned char* raw(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
[[nodiscard]] inline const unsigned char* raw(const char* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

}  // namespace prismbus
