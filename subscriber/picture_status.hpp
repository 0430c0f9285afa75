// What a picture says of itself: the status of its namespaces, and why one cannot be read. Pure; the picture
// lives as long as a View of it.
#pragma once

#include <string_view>

#include "subscriber/subscriber.hpp"
#include "subscriber/sync/follow_set.hpp"
#include "subscriber/view/leaves.hpp"

namespace prismbus {

// Namespaces and connection; the counters are the caller's.
[[nodiscard]] SubscriberStatus status_of(const ViewRoot& root, Steady now);
// OK when readers see `ns`; else invalid_argument (not followed) or unavailable, and why.
[[nodiscard]] Result<void> readable_in(const ViewRoot& root, const FollowSet& follow, std::string_view ns);

// Also of what is refused; nullopt when nothing is shown.
[[nodiscard]] std::optional<std::chrono::milliseconds> age_in(const ViewRoot& root, std::string_view ns,
                                                              Steady now);
// The first mistake in `rules`: invalid_argument.
[[nodiscard]] Result<void> validate_staleness(const std::vector<StalenessRule>& rules);

}  // namespace prismbus
