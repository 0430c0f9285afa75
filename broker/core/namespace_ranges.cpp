#include "broker/core/namespace_ranges.hpp"

namespace prismbus {

std::vector<NamespaceRange> exactly(std::string_view ns) {
  // No character of a name sorts below '!', so nothing lies between `ns` and `ns!`.
  return {{std::string(ns), std::string(ns) + '!'}};
}

std::vector<NamespaceRange> at_and_below(std::string_view under) {
  if (under.empty()) return {{"", "_"}, {"`", ""}};
  auto ranges = exactly(under);
  ranges.push_back({std::string(under) + '.', std::string(under) + '/'});
  return ranges;
}

}  // namespace prismbus
