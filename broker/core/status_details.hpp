// The figures of `status` that have a form of their own: counts by name, and histograms. Bus thread.
#pragma once

#include "broker/core/self_report.hpp"

namespace prismbus {

inline constexpr std::uint32_t kStatusDetails = 8;  // fields that write_status_details() writes
// A histogram is `{le: [bounds], counts: [..], sum}`: how many values are at most each bound and above the
// one before, and last how many are above them all. Every name here is the broker's own.
void write_status_details(codec::Writer& out, const StatusSources& ask);

}  // namespace prismbus
