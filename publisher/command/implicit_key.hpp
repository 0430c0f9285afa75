// yaml-cpp takes a last line without a colon for a key whose value is empty: `a: 1` and then `b`, the end of
// a file that is half written. This finds such a key in the text. Pure function, any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace prismbus::command {

// Whether the key of a block map that begins at byte `at` has its colon. True also for a key after `? `,
// which needs none.
[[nodiscard]] bool has_colon(std::string_view text, std::size_t at);

}  // namespace prismbus::command
