// What a YAML scalar without quotes means, by the core schema of YAML 1.2 (section 10.3.2), and which strings
// may go without quotes on the way out. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/json/mistake.hpp"
#include "proto/json/value.hpp"

namespace prismbus::command {

// null ~ and nothing; true True TRUE false ...; 12 -7 0o17 0xff; 1.5 .5 1e3 .inf .nan; everything else is a
// string: yes, on, 12:30:00 and 2024-01-01 too (they were other things in YAML 1.1). A number that fits no 64
// bits is a mistake.
[[nodiscard]] Parsed<Value> resolve_plain_scalar(std::string_view text);

// True when `text` may stand alone as it is: a string for YAML 1.2, and for the readers of YAML 1.1 still
// around. Errs on the side of quotes.
[[nodiscard]] bool is_safe_without_quotes(std::string_view text);

// `text` in double quotes, one line, with YAML's escapes.
[[nodiscard]] std::string yaml_quoted(std::string_view text);

}  // namespace prismbus::command
