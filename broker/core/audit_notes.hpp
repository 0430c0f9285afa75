// What goes to the audit file and how often: the first of equal things at once, its repeats gathered and told
// in one line a minute, and a quota of lines, so that nobody fills the disk by being refused again and again,
// or by logging in. What the quota did not let through is counted in one line a minute. Bus thread, pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/audit/audit_line.hpp"
#include "proto/base/bytes.hpp"
#include "proto/base/clock.hpp"

namespace prismbus {

class AuditNotes {
 public:
  static constexpr std::chrono::seconds kTogether{60};
  static constexpr std::size_t kKindsMax = 1024;  // told apart at a time
  // Lines in a row, and how many come back in an hour: at some 300 bytes a line 7 MB a day at the very most.
  static constexpr std::size_t kLinesAtOnce = 2'000, kLinesAnHour = 1'000;

  // Takes note. True: its line is to be written now; false: it is counted and comes with take_due().
  [[nodiscard]] bool take(const AuditEntry& entry, Now now);
  // Appends what was gathered and whose minute is over; of everything when `ending`.
  void take_due(Now now, bool ending, std::vector<AuditEntry>& out);
  [[nodiscard]] std::size_t kinds() const { return gathered_.size(); }

 private:
  struct Gathered {
    AuditEntry entry;  // `times`: since its last line
    Steady until{};
  };
  [[nodiscard]] bool has_quota(Now now);

  std::unordered_map<std::string, Gathered, BytesHash, std::equal_to<>> gathered_;
  std::uint64_t untold_ = 0;  // beyond the quota
  Steady tell_untold_at_{}, look_at_{};
  double quota_ = static_cast<double>(kLinesAtOnce);
  Steady quota_at_{};
};

}  // namespace prismbus
