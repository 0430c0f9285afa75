#include "publisher/command/value_argument.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "proto/json/json_value.hpp"
#include "proto/wire/names.hpp"

namespace prismbus::command {
namespace {

bool is_bare_word(std::string_view text) {
  if (text.empty()) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  if (std::isalpha(first) == 0 && std::string_view("_$/.@~*").find(text[0]) == std::string_view::npos &&
      first < 0x80) {
    return false;
  }
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower != "true" && lower != "false" && lower != "null" && lower != "nan";
}

}  // namespace

Outcome<Value> parse_value_argument(std::string_view text, std::string_view hint) {
  auto parsed = from_json(text);
  if (parsed) return std::move(*parsed);
  if (is_bare_word(text)) {
    if (!is_utf8(text)) return misused("VALUE", "not UTF-8; bytes are written {\"$bin\": \"<base64>\"}");
    return Value::text(text);
  }
  return misused("VALUE", fmt::format("{}; {}", parsed.error().message, hint));
}

}  // namespace prismbus::command
