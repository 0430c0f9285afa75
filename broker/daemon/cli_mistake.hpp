// What CLI11 says of a command line, in our words. Only for the two files that parse with it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace prismbus {

// "--data-dir: needs a value" for "--data-dir: 1 required DIR missing"; else the library's own text.
[[nodiscard]] inline std::string mistake_text(const CLI::ParseError& error) {
  const std::string text = error.what();
  const std::size_t required = text.find(": 1 required ");
  const bool missing = required != std::string::npos && text.ends_with(" missing");
  return missing ? text.substr(0, required) + ": needs a value" : text;
}

}  // namespace prismbus
