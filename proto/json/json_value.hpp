// Value <-> JSON as section 8 of the contract writes it, without loss in either direction:
//   bin {"$bin": base64}, ext {"$ext": [type, base64]}, non-finite floats {"$float": "nan" | "inf" | "-inf"},
//   a map with a key that is no string {"$map": [[key, value], ...]}; a literal one-key object whose key
//   starts with $ gets one more $. A float always shows `.` or an exponent; an integer never does.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/json/mistake.hpp"
#include "proto/json/value.hpp"

namespace prismbus {

// Strict JSON. Refused besides what JSON itself refuses: a key twice in one object, an integer outside
// -2^63..2^64-1, a float beyond a double, `$` forms that are none, nesting over kDocumentDepth.
[[nodiscard]] Parsed<Value> from_json(std::string_view text, std::size_t nodes_max = kDocumentNodes);

enum class JsonLayout : std::uint8_t { compact, indented };
// Characters that would steer a terminal (C0, DEL, C1) are always escaped.
[[nodiscard]] std::string to_json(const Value& value, JsonLayout layout = JsonLayout::compact);

// `text` as a JSON string: also how keys and names are shown in messages.
[[nodiscard]] std::string json_quoted(std::string_view text);

// The shortest text that reads back as the same finite double; always with a `.`, so that YAML 1.1 agrees
// too.
[[nodiscard]] std::string float_text(double d);

}  // namespace prismbus
