// A check of options that take a count, an id or a revision.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>

namespace prismbus::command {

// Decimal digits and nothing else, from `least` on. The parser's own conversion takes more: an empty word (a
// variable that was not set) as no option at all, a sign, which wraps, and 0x.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t least = 0);

}  // namespace prismbus::command
