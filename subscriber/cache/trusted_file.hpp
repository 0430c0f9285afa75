// Files of a subscriber that come from outside the process and are believed: cache, seed, key. The checks are
// proto/base/checked_file.hpp's; here they answer with an Error. Blocks on the disk. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "proto/base/checked_file.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// What errno says: not_found, invalid_argument (a link, no directory), read_only (no space), unavailable.
[[nodiscard]] tl::unexpected<Error> system_failed(const std::string& what);

// The whole of a regular file that this user (or root) owns and nobody else may write. Errors: not_found;
// invalid_argument (a link, another kind of file, another owner, writable by others); too_large (over
// `bytes_max`); unavailable (what the system said).
[[nodiscard]] Result<std::string> read_trusted_file(int at, const std::string& path, std::uint64_t bytes_max);

}  // namespace prismbus
