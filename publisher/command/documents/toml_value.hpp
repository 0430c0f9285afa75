// Value <-> TOML 1.0, read by toml++. What TOML has no word for is refused on the way out, never bent: nil,
// binary, extensions, integers above 2^63-1, maps with keys that are no strings, a document that is no map.
// Dates and times have no counterpart here and are read as the text they are written with (RFC 3339), as
// YAML's are. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "proto/json/mistake.hpp"
#include "proto/json/value.hpp"

namespace prismbus::command {

// Refused with line and column: what is no TOML, half-written TOML, a key twice, deeper than kDocumentDepth.
// The order of keys is lost.
[[nodiscard]] Parsed<Value> from_toml(std::string_view text);

// Tables as [a.b], arrays of maps as [[a.b]]; ends with a line feed unless it is empty. from_toml() of it
// equals the value. The mistake names the key that cannot be carried.
[[nodiscard]] Parsed<std::string> to_toml(const Value& value);

}  // namespace prismbus::command
