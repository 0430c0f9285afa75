// So many a second for each name: what a name may take is refilled as time goes by, up to one second's worth,
// and so is the patience with one that asks for more, up to ten seconds' worth. So who asks at up to twice
// the rate is refused what is over it, and who goes on beyond that is hopeless. Names are remembered up to a
// number: those not heard of for longest start anew (I8). No thread, no clock of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "proto/base/bytes.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

class Allowances {
 public:
  static constexpr std::size_t kNamesMax = 32'768;
  static constexpr double kPatienceSeconds = 10, kPatienceMin = 100;

  // 0: whatever is asked for is granted.
  void set_rate(std::size_t per_second);
  [[nodiscard]] bool limited() const { return per_second_ > 0; }

  enum class Take : std::uint8_t { granted, refused, hopeless };
  [[nodiscard]] Take take(std::string_view name, Steady now);
  // Of a name that was refused: until there is something to take again.
  [[nodiscard]] std::chrono::milliseconds wait_of(std::string_view name) const;

 private:
  struct Allowance {
    double left, patience;
    Steady at;
  };
  using Names = std::unordered_map<std::string, Allowance, BytesHash, std::equal_to<>>;
  [[nodiscard]] Allowance& allowance_of(std::string_view name, Steady now);
  [[nodiscard]] double patience_max() const;

  double per_second_ = 0;
  Names young_, old_;  // what is asked for is young; the old ones go when the young ones are half of all
};

}  // namespace prismbus
