// What a principal may do in a namespace. Writing implies nothing about reading, nor admin about either.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace prismbus {

enum class Right : std::uint8_t { read, write, admin };
inline constexpr std::array<std::string_view, 3> kRightNames{"read", "write",
                                                             "admin"};  // as policies say them

class RightSet {
 public:
  constexpr void add(Right right) { bits_ = static_cast<std::uint8_t>(bits_ | bit(right)); }
  [[nodiscard]] constexpr bool has(Right right) const { return (bits_ & bit(right)) != 0; }
  friend bool operator==(const RightSet&, const RightSet&) = default;

 private:
  [[nodiscard]] static constexpr unsigned bit(Right right) { return 1u << static_cast<unsigned>(right); }
  std::uint8_t bits_ = 0;
};

}  // namespace prismbus
