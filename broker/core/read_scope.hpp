// What of a subtree somebody may read, and nothing of the rest, not even that it is there (I10). Reader
// thread.
#pragma once

#include <string_view>
#include <vector>

#include "broker/core/access.hpp"
#include "broker/core/namespace_ranges.hpp"
#include "broker/store/read_view.hpp"

namespace prismbus {

// What may be read of `under` and below it, in byte order: whole ranges where that is everything, else a
// range for each namespace that is there. Errors: internal (the store).
[[nodiscard]] Result<std::vector<NamespaceRange>> readable_at_and_below(const ReadView& view,
                                                                        const Access& access,
                                                                        std::string_view under);

}  // namespace prismbus
