// Value <-> Java properties: a map of keys to strings, by the rules of java.util.Properties:
//   `=`, `:` or a blank ends the key; # and ! begin comments; a backslash at the end of a line joins the next
//   one; \t \n \r \f \uXXXX are escapes, another backslash is dropped
// with three differences, since what is half-written must not pass for a value: a key twice, a key without
// anything behind it (an empty value is `key=`) and a backslash at the end of the text are refused. Read as
// UTF-8, written as ASCII with \uXXXX, which every Java reads. Keys stay as they are, dots and slashes
// included; every value is a string. Total, pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/json/mistake.hpp"
#include "proto/json/value.hpp"

namespace prismbus::command {

[[nodiscard]] Parsed<Value> from_properties(std::string_view text);

// One line a member; from_properties() of it equals the value. The mistake names the key that cannot be
// carried.
[[nodiscard]] Parsed<std::string> to_properties(const Value& value);

}  // namespace prismbus::command
