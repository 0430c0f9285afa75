#include "publisher/command/whole_number.hpp"

#include <fmt/format.h>

#include <charconv>

#include "publisher/command/json_value.hpp"

namespace prismbus::command {

CLI::Validator whole_number(std::uint64_t least) {
  return CLI::Validator(
      [least](std::string& text) -> std::string {
        std::uint64_t n = 0;
        const char* const end = text.data() + text.size();
        const auto [at, error] = std::from_chars(text.data(), end, n);
        if (error == std::errc() && at == end && n >= least) return "";
        return fmt::format("{} is no whole number of at least {}", json_quoted(text), least);
      },
      "");
}

}  // namespace prismbus::command
