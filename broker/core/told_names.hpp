// Names as one line of the audit file tells them: each once, the first sixteen, "..." for the rest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace prismbus {

inline constexpr std::size_t kNamesTold = 16;

inline void tell_name(std::vector<std::string>& told, std::string_view name) {
  if (told.size() > kNamesTold || std::find(told.begin(), told.end(), name) != told.end()) return;
  told.emplace_back(told.size() == kNamesTold ? std::string_view("...") : name);
}

// What one answer left out of what was asked by name: its asker may not read it.
struct RefusedNames {
  std::string_view op{};  // lives as long as the program
  std::vector<std::string> ns{};
};

}  // namespace prismbus
