// "Did you mean": the known word closest to a mistyped one. Pure functions, any thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace prismbus::command {

// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment distance).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// nullopt when nothing is close: more than a third of the letters (at least 2) would have to change.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view word,
                                                      const std::vector<std::string_view>& known);

}  // namespace prismbus::command
