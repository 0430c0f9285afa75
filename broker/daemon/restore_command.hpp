// `prismbusd restore` and `prismbusd rebuild`, on a stopped data directory: what they did to standard output,
// what was in the way to standard error. 0 done, 1 not done (nothing was put in place).
#pragma once

#include <cstddef>
#include <string>

namespace prismbus {

[[nodiscard]] int run_restore(const std::string& backup, const std::string& data_dir, bool replace);
[[nodiscard]] int run_rebuild(const std::string& data_dir, std::size_t map_bytes);

}  // namespace prismbus
