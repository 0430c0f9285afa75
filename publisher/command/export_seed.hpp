// prismbus export --seed: namespaces as the file that subscribers start from with no broker and no cache.
#pragma once

#include <string>
#include <vector>

#include "publisher/command/command.hpp"

namespace prismbus::command {

// `ns`, with everything below it when `subtree`, but for what `exclude` (patterns) names, at one revision;
// the file is written whole or not at all.
[[nodiscard]] Outcome<void> export_seed(const std::string& ns, bool subtree,
                                        const std::vector<std::string>& exclude, const std::string& path,
                                        Invocation& in);

}  // namespace prismbus::command
