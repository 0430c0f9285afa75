// Documents in files: what a person imports and exports. Blocking file calls, any thread.
#pragma once

#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "publisher/command/failure.hpp"
#include "publisher/command/value.hpp"

namespace prismbus::command {

enum class Format : std::uint8_t { yaml, json };

// By --format when it was given, else by the ending: .json, .yaml, .yml. Anything else needs --format.
[[nodiscard]] Outcome<Format> format_of(std::string_view path, const std::optional<std::string>& flag);

// The whole text; `-` is `standard_input`. Over 256 MiB is refused.
[[nodiscard]] Outcome<std::string> read_text(const std::string& path, std::istream& standard_input);

// Mistakes are named as path:line:column.
[[nodiscard]] Outcome<Value> parse_document(std::string_view path, std::string_view text, Format format);
[[nodiscard]] std::string print_document(const Value& document, Format format);

// Readers see the old file or all of the new one: written beside it, synced, renamed.
[[nodiscard]] Outcome<void> write_atomically(const std::string& path, std::string_view text);

}  // namespace prismbus::command
