#include "proto/token/pattern.hpp"

#include "proto/wire/names.hpp"
#include "proto/wire/pattern_form.hpp"

namespace prismbus {

std::optional<Pattern> Pattern::parse(std::string_view text) {
  const auto form = pattern_form(text);
  if (!form) return std::nullopt;
  return Pattern(std::string(form->name), form->below);
}

bool Pattern::covers(std::string_view ns) const {
  return below_ ? is_under(ns, name_) : ns == name_;
}

bool Pattern::covers_all_below(std::string_view ns) const {
  if (!below_) return false;
  return ns.empty() ? is_everything() : is_under(ns, name_);
}

std::string Pattern::text() const {
  if (is_everything()) return "**";
  return below_ ? name_ + ".**" : name_;
}

}  // namespace prismbus
