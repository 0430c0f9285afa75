// The fields of cache and seed files, big-endian, written and read. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/base/clock.hpp"

namespace prismbus::cache {

template <class Integer>
void append_int(std::string& out, Integer v) {
  for (std::size_t i = sizeof v; i-- > 0;) out.push_back(static_cast<char>(v >> (8 * i)));
}

// Reads fields; what is not there reads as zero, and ok() says so.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  template <class Integer>
  [[nodiscard]] Integer integer() {
    const std::string_view raw = bytes(sizeof(Integer));
    std::uint64_t v = 0;
    for (const char c : raw) v = v << 8 | static_cast<std::uint8_t>(c);
    return static_cast<Integer>(v);
  }
  [[nodiscard]] Wall time() {
    const auto micros = integer<std::uint64_t>();
    if (micros <= INT64_MAX) return from_micros(micros);
    ok_ = false;
    return {};
  }
  [[nodiscard]] std::string_view bytes(std::size_t n) {
    if (rest_.size() < n) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace prismbus::cache
