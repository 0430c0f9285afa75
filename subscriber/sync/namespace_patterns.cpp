#include "subscriber/sync/namespace_patterns.hpp"

#include <algorithm>

#include "proto/wire/names.hpp"
#include "proto/wire/pattern_form.hpp"

namespace prismbus {

Result<NamespacePatterns> NamespacePatterns::make(const std::vector<std::string>& patterns,
                                                  std::string_view field) {
  NamespacePatterns out;
  for (const std::string& pattern : patterns) {
    const auto form = pattern_form(pattern);
    if (!form) return fail_field(std::string(field), std::string(field) + ": " + std::string(kPatternForms));
    if (form->name.empty()) {
      out.all_ = true;
    } else {
      (form->below ? out.below_ : out.exact_).emplace_back(form->name);
    }
  }
  return out;
}

bool NamespacePatterns::covers(std::string_view ns) const {
  return all_ || std::find(exact_.begin(), exact_.end(), ns) != exact_.end() ||
         std::any_of(below_.begin(), below_.end(), [&](const auto& under) { return is_under(ns, under); });
}

}  // namespace prismbus
