// `prismbusd check`: the store's audit, printed. Only reads; a broker may be running on the directory.
#pragma once

#include <string>

namespace prismbus {

// Report and findings to standard output, an error to standard error. 0 sound, 1 findings, 2 nothing readable
// there.
[[nodiscard]] int run_check(const std::string& data_dir);

}  // namespace prismbus
