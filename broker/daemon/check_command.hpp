// `prismbusd check`: the store's audit, printed; of a backup file, its verification. Only reads; a broker may
// be running on the directory.
#pragma once

#include <string>

namespace prismbus {

// Report and findings to standard output, an error to standard error. 0 sound, 1 findings, 2 nothing readable
// there. `what`: a data directory or a backup file.
[[nodiscard]] int run_check(const std::string& what);

}  // namespace prismbus
