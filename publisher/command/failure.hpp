// How a command ends when it does not end well: the exit code, one line for a person, and for --json the
// error of the protocol. Plain data, any thread.
#pragma once

#include <string>

#include "proto/json/value.hpp"
#include "proto/wire/error.hpp"
#include "publisher/command/exit_codes.hpp"

namespace prismbus::command {

struct Failure {
  Exit exit = Exit::failed;
  Error error;    // `message` is the whole line for a person, without "prismbus: "
  Value facts{};  // a map or nothing: what --json tells as fields behind the error's own
};

template <class T>
using Outcome = Result<T, Failure>;

// The line says what the error's fields say: which key, which limit, which revision.
[[nodiscard]] tl::unexpected<Failure> failed(const Error& error, std::string_view context = {});
// Wrong use: exit code 2, `field` names the flag or argument.
[[nodiscard]] tl::unexpected<Failure> misused(std::string field, std::string message);
// Of a file that the library read: exit code 13, unless it was read and what it holds is wrong.
[[nodiscard]] tl::unexpected<Failure> failed_at_file(const Error& error, std::string_view context);
[[nodiscard]] tl::unexpected<Failure> file_failure(std::string_view path, std::string_view doing,
                                                   int error_number);

// {"code", "message", ...} with the fields that are set, as section 4 of the contract names them.
// Behind them come the facts.
[[nodiscard]] Value error_value(const Failure& failure);

}  // namespace prismbus::command
