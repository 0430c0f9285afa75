// The formats a person's files come in, in one table: names for --format, endings of files, and what a format
// can carry. Pure functions, any thread.
//   yaml, json   everything a value can be
//   toml         maps, arrays, text, booleans, floats, integers of 64 bits with a sign; dates and times are
//                read as their text
//   env          NAME=text, one level; properties: key=text, one level
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "proto/json/value.hpp"
#include "publisher/command/failure.hpp"

namespace prismbus::command {

enum class Format : std::uint8_t { yaml, json, toml, env, properties };

struct FormatRow {
  Format format;
  std::string_view name;                    // of --format
  std::array<std::string_view, 2> endings;  // of file names; the second may be empty
  bool flat;  // no nesting: each entry is one key as it stands, slashes included, and its value is text
};

inline constexpr std::array<FormatRow, 5> kFormatTable{{
    {Format::yaml, "yaml", {".yaml", ".yml"}, false},
    {Format::json, "json", {".json", ""}, false},
    {Format::toml, "toml", {".toml", ""}, false},
    {Format::env, "env", {".env", ""}, true},
    {Format::properties, "properties", {".properties", ""}, true},
}};

[[nodiscard]] const FormatRow& format_row(Format format);
// "yaml, json, toml, env or properties"
[[nodiscard]] std::string format_names();

// By the ending alone; nullopt when it says nothing. `.env.production` is env too.
[[nodiscard]] std::optional<Format> format_by_ending(std::string_view path);

// By --format when it was given, else by the ending. Anything else needs --format: Exit::usage.
[[nodiscard]] Outcome<Format> format_of(std::string_view path, const std::optional<std::string>& flag);

// Mistakes are named as path:line:column.
[[nodiscard]] Outcome<Value> parse_document(std::string_view path, std::string_view text, Format format);

// Exit::usage when the format cannot carry a value; the message names the key.
[[nodiscard]] Outcome<std::string> print_document(const Value& document, Format format);

}  // namespace prismbus::command
