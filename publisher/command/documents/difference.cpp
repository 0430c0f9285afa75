#include "publisher/command/documents/difference.hpp"

namespace prismbus::command {

std::vector<Difference> compare(const std::map<std::string, Current>& current, const KeyValues& wanted) {
  std::vector<Difference> out;
  auto have = current.begin();
  auto want = wanted.begin();
  while (have != current.end() || want != wanted.end()) {
    const bool only_have = want == wanted.end() || (have != current.end() && have->first < want->first);
    const bool only_want = have == current.end() || (want != wanted.end() && want->first < have->first);
    if (only_have) {
      out.push_back(
          {DifferenceKind::removed, have->first, have->second.value, std::nullopt, have->second.rev});
      ++have;
    } else if (only_want) {
      out.push_back({DifferenceKind::added, want->first, std::nullopt, want->second, Revision()});
      ++want;
    } else {
      if (!(have->second.value == want->second)) {
        out.push_back(
            {DifferenceKind::changed, want->first, have->second.value, want->second, have->second.rev});
      }
      ++have;
      ++want;
    }
  }
  return out;
}

}  // namespace prismbus::command
