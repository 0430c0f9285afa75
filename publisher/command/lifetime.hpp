// How long a token lives, as a person writes it and as one is told. Pure functions, any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "proto/base/clock.hpp"
#include "publisher/command/failure.hpp"

namespace prismbus::command {

// 90s, 12h, 30d: a second to ten years. Exit::usage naming `flag`.
[[nodiscard]] Outcome<std::chrono::seconds> parse_lifetime(std::string_view text, std::string_view flag);

// "in 11h 59m", "3d 2h ago": the two largest units.
[[nodiscard]] std::string told_from_now(std::chrono::sys_seconds at, Wall now);

}  // namespace prismbus::command
