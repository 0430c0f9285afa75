// Which namespaces `ns`, `subtree` and `under` cover, as at most two ranges in byte order. Worked example:
// under `a` are `a` itself and [`a.`, `a/`), but not `a-b`, which sorts between them; under `` is everything
// but [`_`, "`").
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace prismbus {

struct NamespaceRange {
  std::string first;  // inclusive
  std::string end;    // exclusive; empty = no end
  [[nodiscard]] bool before_end(std::string_view ns) const { return end.empty() || ns < end; }
};

[[nodiscard]] std::vector<NamespaceRange> exactly(std::string_view ns);
[[nodiscard]] std::vector<NamespaceRange> at_and_below(std::string_view under);  // "" = everything but `_*`

}  // namespace prismbus
