// Which digit a character of a base-64 alphabet is. Both alphabets decode by it: that of tokens (base64url)
// and that of JSON documents.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace prismbus {

using Base64Digits = std::array<std::int8_t, 256>;  // -1: no digit

[[nodiscard]] constexpr Base64Digits base64_digits(std::string_view alphabet) {
  Base64Digits digits{};
  digits.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return digits;
}

}  // namespace prismbus
