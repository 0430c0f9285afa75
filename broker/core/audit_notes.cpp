#include "broker/core/audit_notes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace prismbus {
namespace {

constexpr std::chrono::seconds kLook{1};

std::string kind_of(const AuditEntry& entry) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", entry.what, entry.by, entry.from, entry.op, entry.code,
                     fmt::join(entry.ns, "\n"));
}

}  // namespace

bool AuditNotes::take(const AuditEntry& entry, Now now) {
  std::string kind = kind_of(entry);
  if (const auto at = gathered_.find(kind); at != gathered_.end()) {
    at->second.entry.times += entry.times;
    at->second.entry.time = entry.time;
    return false;
  }
  if (gathered_.size() >= kKindsMax || !has_quota(now)) {
    if (untold_ == 0) tell_untold_at_ = now.steady + kTogether;
    untold_ += entry.times;
    return false;
  }
  Gathered& one = gathered_[std::move(kind)];
  one = {entry, now.steady + kTogether};
  one.entry.times = 0;
  return true;
}

void AuditNotes::take_due(Now now, bool ending, std::vector<AuditEntry>& out) {
  if (!ending && now.steady < look_at_) return;
  look_at_ = now.steady + kLook;
  for (auto at = gathered_.begin(); at != gathered_.end();) {
    Gathered& one = at->second;
    if (!ending && now.steady < one.until) {
      ++at;
      continue;
    }
    // A kind whose repeats were told stays one minute more: of an endless repeat there is one line a minute.
    const bool repeated = one.entry.times > 0;
    one.entry.time = now.wall;  // lines stand in the order of their times
    if (repeated && !ending && has_quota(now)) {
      out.push_back(one.entry);
      one.entry.times = 0;
      one.until = now.steady + kTogether;
      ++at;
      continue;
    }
    if (repeated) ending ? out.push_back(std::move(one.entry)) : void(untold_ += one.entry.times);
    at = gathered_.erase(at);
  }
  if (untold_ == 0 || (!ending && now.steady < tell_untold_at_)) return;
  tell_untold_at_ = now.steady + kTogether;
  AuditEntry untold;
  untold.what = "untold";
  untold.time = now.wall;
  untold.note = "beyond the quota of lines";
  untold.times = std::exchange(untold_, 0);
  out.push_back(std::move(untold));
}

bool AuditNotes::has_quota(Now now) {
  if (quota_at_ != Steady{}) {
    const double hours = std::chrono::duration<double, std::ratio<3600>>(now.steady - quota_at_).count();
    quota_ = std::min(static_cast<double>(kLinesAtOnce), quota_ + hours * static_cast<double>(kLinesAnHour));
  }
  quota_at_ = now.steady;
  if (quota_ < 1) return false;
  quota_ -= 1;
  return true;
}

}  // namespace prismbus
