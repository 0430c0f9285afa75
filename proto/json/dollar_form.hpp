// The `$` forms of JSON (section 8): what a one-key object whose key starts with `$` stands for.
// Pure function, any thread.
#pragma once

#include "proto/json/mistake.hpp"
#include "proto/json/value.hpp"

namespace prismbus {

// `object` is a map of one member whose key is a string that starts with `$`; its value is resolved already.
[[nodiscard]] Parsed<Value> resolve_dollar_form(Value::Member object);

}  // namespace prismbus
