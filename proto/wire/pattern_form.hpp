// The one form of a pattern over namespaces (sections 4 and 7 of the contract): `a.b` (that namespace),
// `a.b.**` (a.b and everything below it), `**`. Who uses patterns says what they cover. Pure, any thread.
#pragma once

#include <optional>
#include <string_view>

namespace prismbus {

struct PatternForm {
  std::string_view name;  // lent of the text; "" of `**`
  bool below = false;     // everything below `name` too
};

// nullopt: any other form.
[[nodiscard]] std::optional<PatternForm> pattern_form(std::string_view text);

// For messages.
inline constexpr std::string_view kPatternForms = "a pattern is a namespace, a namespace and `.**`, or `**`";

}  // namespace prismbus
