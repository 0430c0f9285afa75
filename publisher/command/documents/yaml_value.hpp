// Value <-> YAML 1.2 (core schema), on yaml-cpp's parser. What is read back from to_yaml() equals the value,
// types included: a string that looks like a number is written in quotes.
//   anchors and aliases are resolved; `<<` merges as in YAML 1.1 (keys of the map itself win, then the first
//   source); tags known: !!str !!int !!float !!bool !!null !!map !!seq !!binary, and !ext/N for MessagePack
//   extensions.
// Comments, quoting style and anchors are not kept. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/json/mistake.hpp"
#include "proto/json/value.hpp"

namespace prismbus::command {

// Exactly one document; an empty text is nil. Refused, with line and column: what is no YAML, half-written
// YAML, a key twice in one map, a key that is neither string, integer nor binary, a second document, unknown
// tags, numbers beyond 64 bits, control characters, an alias inside of what it names, more than
// kDocumentNodes, deeper than kDocumentDepth.
[[nodiscard]] Parsed<Value> from_yaml(std::string_view text);

// Block style, two spaces, ends with a line feed.
[[nodiscard]] std::string to_yaml(const Value& value);

}  // namespace prismbus::command
