// What yaml-cpp lets pass at the end of a half-written file, found in the text itself:
//   `a: 1` and then a last line `b` (it takes b for a key with an empty value);
//   `a: "open` and then a line feed (it takes the end of the file for the closing quote).
// Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace prismbus::command {

// Whether the key of a block map that begins at byte `at` has its colon. True also for a key after `? `,
// which needs none.
[[nodiscard]] bool has_colon(std::string_view text, std::size_t at);

// Whether the scalar that begins at byte `at` (its anchor or tag, if it has one) is closed. True when it has
// no quotes.
[[nodiscard]] bool has_closing_quote(std::string_view text, std::size_t at);

}  // namespace prismbus::command
