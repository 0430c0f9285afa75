// Files a person names: read whole, replaced whole. Blocking file calls, any thread.
#pragma once

#include <istream>
#include <string>
#include <string_view>

#include "publisher/command/failure.hpp"

namespace prismbus::command {

// The whole text; `-` is `standard_input`. Over 256 MiB is refused.
[[nodiscard]] Outcome<std::string> read_text(const std::string& path, std::istream& standard_input);

// Readers see the old file or all of the new one: written beside it, synced, renamed.
[[nodiscard]] Outcome<void> write_atomically(const std::string& path, std::string_view text);

}  // namespace prismbus::command
