// Value <-> `.env` text: a map of names to strings, nothing else.
//   NAME=text        up to ` #`, blanks at both ends dropped     `export ` before NAME is allowed
//   NAME='text'      as it stands, over several lines too
//   NAME="text"      \n \r \t \" \\ \$ are escapes, another backslash stays; over several lines too
// Nothing is interpolated: ${ENV:-default} stays as it is in all three. Every value is a string, 8080 too.
// Total: any bytes are a document or a mistake with its place. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/json/mistake.hpp"
#include "proto/json/value.hpp"

namespace prismbus::command {

// Refused with line and column: a name that is not [A-Za-z_][A-Za-z0-9_.-]*, a line without `=`, quotes left
// open, text behind closed quotes, a name twice, what is not UTF-8.
[[nodiscard]] Parsed<Value> from_env(std::string_view text);

// One line a member; from_env() of it equals the value. The mistake names the key that cannot be carried.
[[nodiscard]] Parsed<std::string> to_env(const Value& value);

}  // namespace prismbus::command
