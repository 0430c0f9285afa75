// The process's limit of file descriptors: every connection costs one.
#pragma once

#include <cstdint>

namespace prismbus {

// Raises RLIMIT_NOFILE as far as it goes; returns the limit now in force.
std::uint64_t raise_descriptor_limit();

}  // namespace prismbus
