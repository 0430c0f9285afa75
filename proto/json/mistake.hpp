// What is wrong with a document a person wrote, and where. Plain data, any thread.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/wire/error.hpp"

namespace prismbus {

struct Mistake {
  std::size_t line = 0, column = 0;  // from 1; 0 = the message says where in its own way
  std::string message;
};

template <class T>
using Parsed = Result<T, Mistake>;

[[nodiscard]] inline tl::unexpected<Mistake> mistake(std::size_t line, std::size_t column,
                                                     std::string message) {
  return tl::unexpected<Mistake>(Mistake{line, column, std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Mistake> mistake(std::string message) {
  return mistake(0, 0, std::move(message));
}

// "name:line:column: message", as compilers and editors write it; `name` is a file or an argument.
[[nodiscard]] inline Error located(std::string_view name, const Mistake& m) {
  Error e;
  e.code = ErrorCode::invalid_argument;
  e.message = m.line == 0 ? fmt::format("{}: {}", name, m.message)
                          : fmt::format("{}:{}:{}: {}", name, m.line, m.column, m.message);
  return e;
}

}  // namespace prismbus
