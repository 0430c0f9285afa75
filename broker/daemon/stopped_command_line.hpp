// The command lines of what needs no serving broker: check, restore, rebuild. CLI11 reports by throwing; the
// .cpp is its wall.
#pragma once

#include <optional>

#include "broker/daemon/command_line.hpp"

namespace prismbus {

// nullopt when argv[1] names none of them.
[[nodiscard]] std::optional<CommandLine> parse_stopped_command(int argc, const char* const* argv);

}  // namespace prismbus
