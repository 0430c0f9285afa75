#include "subscriber/namespace_patterns.hpp"

#include <algorithm>

#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kEverything = "**", kBelow = ".**";

}  // namespace

Result<NamespacePatterns> NamespacePatterns::make(const std::vector<std::string>& patterns,
                                                  std::string_view field) {
  NamespacePatterns out;
  for (const std::string& pattern : patterns) {
    if (pattern == kEverything) {
      out.all_ = true;
      continue;
    }
    std::string_view name(pattern);
    const bool below = name.ends_with(kBelow);
    if (below) name.remove_suffix(kBelow.size());
    if (!is_namespace(name)) {
      return fail_field(std::string(field),
                        std::string(field) + ": a pattern is a namespace, a namespace and `.**`, or `**`");
    }
    (below ? out.below_ : out.exact_).emplace_back(name);
  }
  return out;
}

bool NamespacePatterns::covers(std::string_view ns) const {
  return all_ || std::find(exact_.begin(), exact_.end(), ns) != exact_.end() ||
         std::any_of(below_.begin(), below_.end(), [&](const auto& under) { return is_under(ns, under); });
}

}  // namespace prismbus
