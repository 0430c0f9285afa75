#include "broker/core/namespace_ranges.hpp"

#include "proto/wire/limits.hpp"

namespace prismbus {

std::vector<NamespaceRange> exactly(std::string_view ns) {
  // No character of a name sorts below '!', so nothing lies between `ns` and `ns!`.
  return {{std::string(ns), std::string(ns) + '!'}};
}

std::vector<NamespaceRange> at_and_below(std::string_view under) {
  if (under.empty()) return {{"", "_"}, {"`", ""}};
  auto ranges = exactly(under);
  if (under.size() + 1 < limits::kNsBytes)  // else no name has room below it
    ranges.push_back({std::string(under) + '.', std::string(under) + '/'});
  return ranges;
}

}  // namespace prismbus
