// Base64 of RFC 4648 section 4 (standard alphabet, padding required), as JSON `$bin` and YAML `!!binary`
// write bytes. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace prismbus {

[[nodiscard]] std::string to_base64(std::string_view bytes);
// nullopt for anything but the one canonical form: no white space, no missing padding, no stray bits.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace prismbus
