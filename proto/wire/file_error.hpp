// What became of a file, as an Error: the one place that words it. Pure, any thread.
#pragma once

#include <string>

#include "proto/base/checked_file.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// Names the path, never what stands in the file. not_found (no such file); invalid_argument (a link, another
// kind of file, another owner, open to others); too_large; read_only (no space); unavailable (what else the
// system said).
[[nodiscard]] Error file_error(const FileFault& fault, const std::string& path);

// The same of an errno, where somebody made the call himself; `what` says which.
[[nodiscard]] Error system_error(const std::string& what, int error_number);

// fsync_directory() (proto/base/checked_file.hpp), its fault as an Error.
[[nodiscard]] Result<void> sync_directory(const std::string& path);

}  // namespace prismbus
