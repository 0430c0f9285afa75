// The figures of a broker's `status`, flattened: {"store": {"recent_changes": 7}} is "store.recent_changes"
// = 7. Whatever is no number is left out, so this needs to know nothing of what a broker documents.
#pragma once

#include <map>
#include <string>

#include "proto/base/result.hpp"

namespace prismbus::perf {

[[nodiscard]] Result<std::map<std::string, double>, std::string> broker_status(const std::string& endpoint);

}  // namespace prismbus::perf
