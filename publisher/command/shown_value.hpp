// How a value is shown: as it is, or as a mask that tells nothing of it, neither its length nor its type.
// Which of them is decided in secret_values.hpp; whatever prints values asks for the answer, so that one that
// forgets does not compile. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/json/value.hpp"

namespace prismbus::command {

enum class Shown : std::uint8_t { masked, as_it_is };

inline constexpr std::string_view kMask = "********";

// For --json, where the object that has it says `masked` too (Fields::value).
[[nodiscard]] Value shown_value(std::string_view encoded, Shown shown);
// For a person: compact JSON, or the mask without quotes, which no value looks like.
[[nodiscard]] std::string shown_text(const Value& value, Shown shown);
[[nodiscard]] std::string shown_text(std::string_view encoded, Shown shown);

}  // namespace prismbus::command
