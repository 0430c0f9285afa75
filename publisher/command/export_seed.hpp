// prismbus export --seed: namespaces as the file that subscribers start from with no broker and no cache.
#pragma once

#include <string>
#include <vector>

#include "publisher/command/command.hpp"

namespace prismbus::command {

struct SeedOptions {
  std::string path;                  // empty: no seed is asked for
  std::vector<std::string> exclude;  // patterns
  bool subtree = false;
};

// `ns`, with everything below it when `subtree`, but for what `exclude` names, at one revision; the file is
// written whole or not at all, and not when a namespace in it is secret, unless `reveal`.
[[nodiscard]] Outcome<void> export_seed(const std::string& ns, const SeedOptions& o, bool reveal,
                                        Invocation& in);

}  // namespace prismbus::command
