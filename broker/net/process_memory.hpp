// How much memory this process holds that is no file's. Any thread.
#pragma once

#include <cstdint>

namespace prismbus {

// As the kernel counts it: resident, not shared with files. 0 when it does not tell. A few microseconds.
[[nodiscard]] std::uint64_t anonymous_bytes();

}  // namespace prismbus
