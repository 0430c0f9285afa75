#include "proto/wire/pattern_form.hpp"

#include "proto/wire/names.hpp"

namespace prismbus {

std::optional<PatternForm> pattern_form(std::string_view text) {
  constexpr std::string_view kEverything = "**", kBelow = ".**";
  if (text == kEverything) return PatternForm{"", true};
  PatternForm form{text, text.ends_with(kBelow)};
  if (form.below) form.name.remove_suffix(kBelow.size());
  if (!is_namespace(form.name)) return std::nullopt;
  return form;
}

}  // namespace prismbus
