// The directory of an outbox: made with mode 0700, held by one process at a time by an exclusive flock on
// `<directory>/owner`, which the kernel releases however the process ends.
#pragma once

#include <string>

#include "proto/wire/error.hpp"

namespace prismbus {

// A descriptor that holds it. unavailable: another process does, or it cannot be made.
[[nodiscard]] Result<int> hold_outbox_directory(const std::string& directory);
void release_outbox_directory(int held);  // -1 is none
// 0 when an outbox is there to be read, else the errno that says why not: ENOENT = there is none.
[[nodiscard]] int look_for_outbox(const std::string& directory);

}  // namespace prismbus
