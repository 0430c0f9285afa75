// `prismbusd restore` and `prismbusd rebuild`, on a stopped data directory: what they did to standard output,
// what was in the way to standard error. 0 done, 1 not done (nothing was put in place).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace prismbus {

// "38 entries in 3 namespaces", and what of the journal is not among them yet.
[[nodiscard]] std::string contents_text(std::uint64_t entries, std::uint64_t namespaces,
                                        std::uint64_t unfolded);
// A line that says whose secret values are there; empty when nobody's.
[[nodiscard]] std::string sealed_text(std::uint64_t sealed_by);
[[nodiscard]] int run_restore(const std::string& backup, const std::string& data_dir, bool replace);
[[nodiscard]] int run_rebuild(const std::string& data_dir, std::size_t map_bytes);

}  // namespace prismbus
