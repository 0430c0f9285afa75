// Help for a terminal of 80 columns, from texts that are written as wide as our sources.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace prismbus {

inline constexpr std::size_t kHelpColumns = 79;

// `text` with no line longer than `columns`, where a space allows it.
// - Lines without an indent are prose: one that was broken for being long (over 90 characters) goes on in the
//   next line and is filled up again.
// - An indented line is a row, `  --note TEXT    Up to 1 KiB`: what does not fit goes below what follows the
//   first gap of two spaces, or, where there is none or it lies in the right half, below its own beginning.
// - What follows a line `Examples:` up to an empty line is to be copied, and stays as it is.
// Columns are bytes: help is ASCII.
[[nodiscard]] std::string fold_help(std::string_view text, std::size_t columns = kHelpColumns);

}  // namespace prismbus
