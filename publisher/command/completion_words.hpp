// What could stand at the end of a half-typed command line: made from the command line's own table of
// commands and options, so that it never lags behind it. Namespaces and keys come from whoever is asked. The
// command's one thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "publisher/command/command_line.hpp"

namespace prismbus::command {

struct Candidate {
  std::string word, about;
};

struct NameSources {  // both may be slow, or know nothing
  std::function<std::vector<std::string>()> namespaces;
  std::function<std::vector<std::string>(const std::string& ns, const std::string& prefix)> keys;
};

// The one candidate for "a file's name": the shell knows better how to complete those.
inline constexpr std::string_view kFilesMark = ":files";

// `words` without the program's name; the last one is being typed and may be empty. Candidates begin with it.
[[nodiscard]] std::vector<Candidate> complete(Command top, const std::vector<std::string>& words,
                                              const NameSources& names);

}  // namespace prismbus::command
