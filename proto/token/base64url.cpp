#include "proto/token/base64url.hpp"

#include <algorithm>
#include <cstdint>

#include "proto/base/base64_digits.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr Base64Digits kDigits = base64_digits(kAlphabet);

}  // namespace

void append_base64url(std::string& out, std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < have ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j <= have; ++j) out.push_back(kAlphabet[bits >> (18 - 6 * j) & 63u]);
  }
}

std::string to_base64url(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  append_base64url(out, bytes);
  return out;
}

bool decode_base64url(std::string_view text, char* out) {
  if (text.size() % 4 == 1) return false;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t have = std::min<std::size_t>(4, text.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const int digit = j < have ? kDigits[static_cast<unsigned char>(text[i + j])] : 0;
      if (digit < 0) return false;
      bits = bits << 6 | static_cast<std::uint32_t>(digit);
    }
    const std::size_t bytes = have - 1;
    if ((bits & ((1u << (8 * (3 - bytes))) - 1)) != 0) return false;  // stray bits
    for (std::size_t j = 0; j < bytes; ++j) *out++ = static_cast<char>(bits >> (16 - 8 * j) & 0xffu);
  }
  return true;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out(base64url_size(text.size()), '\0');
  if (!decode_base64url(text, out.data())) return std::nullopt;
  return out;
}

}  // namespace prismbus
