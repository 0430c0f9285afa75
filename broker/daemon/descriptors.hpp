// The process's limit of file descriptors: every connection costs one.
#pragma once

#include <cstdint>

namespace prismbus {

// Below the first a broker with a gateway and its threads would not come up; below the second it serves so
// few clients that the log warns of it.
inline constexpr std::uint64_t kDescriptorsLeast = 64, kDescriptorsFew = 1024;

// Raises RLIMIT_NOFILE as far as it goes; returns the limit now in force.
std::uint64_t raise_descriptor_limit();

}  // namespace prismbus
