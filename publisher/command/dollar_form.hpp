// The `$` forms of JSON (section 8): what a one-key object whose key starts with `$` stands for.
// Pure function, any thread.
#pragma once

#include "publisher/command/mistake.hpp"
#include "publisher/command/value.hpp"

namespace prismbus::command {

// `object` is a map of one member whose key is a string that starts with `$`; its value is resolved already.
[[nodiscard]] Parsed<Value> resolve_dollar_form(Value::Member object);

}  // namespace prismbus::command
