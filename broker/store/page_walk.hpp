// Walks every table of one environment, every byte of every key and value, and knows nothing of what they
// mean. What dies of this dies of LMDB's own pages.
#pragma once

#include <string>

#include "proto/wire/error.hpp"

namespace prismbus {

// Errors: unavailable (cannot be opened or walked; LMDB's reason). Returns the number of records.
[[nodiscard]] Result<std::uint64_t> walk_pages(const std::string& env_dir);

}  // namespace prismbus
