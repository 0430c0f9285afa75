// base64url of RFC 4648 section 5 without padding, as RFC 7515 wants it: one text for each bytes. Padding,
// white space, the other alphabet and stray bits in the last character are refused. Pure, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace prismbus {

[[nodiscard]] std::string to_base64url(std::string_view bytes);
void append_base64url(std::string& out, std::string_view bytes);  // reserves nothing

// How many bytes a text of that length stands for.
[[nodiscard]] constexpr std::size_t base64url_size(std::size_t characters) {
  return characters / 4 * 3 + (characters % 4 == 0 ? 0 : characters % 4 - 1);
}
// Writes base64url_size(text.size()) bytes; false, whatever was written, when the text is none.
[[nodiscard]] bool decode_base64url(std::string_view text, char* out);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace prismbus
