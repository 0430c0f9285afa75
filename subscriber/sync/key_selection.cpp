#include "subscriber/sync/key_selection.hpp"

#include <algorithm>
#include <utility>

#include "proto/wire/names.hpp"

namespace prismbus {

KeySelection::KeySelection(std::optional<std::string> ns, std::optional<std::string> subtree,
                           std::string keys)
    : ns_(std::move(ns)), subtree_(std::move(subtree)), keys_(std::move(keys)), all_keys_(keys_ == "**") {}

bool KeySelection::follows_some_of(const FollowSet& follow) const {
  if (ns_) return follow.covers(*ns_);
  if (!subtree_ || subtree_->empty() || follow.subtree_of(*subtree_)) return true;
  const auto below = [&](const std::string& ns) { return is_under(ns, *subtree_); };
  return std::any_of(follow.namespaces().begin(), follow.namespaces().end(), below) ||
         std::any_of(follow.subtrees().begin(), follow.subtrees().end(),
                     [&](const std::string& under) { return !under.empty() && below(under); });
}

Result<void> KeySelection::validate(const FollowSet& follow) const {
  if (ns_ && subtree_) return fail_field("subtree", "name a namespace or a subtree, not both");
  if (ns_) {
    if (auto valid = validate_namespace(*ns_, "ns"); !valid) return valid;
  }
  if (subtree_ && !subtree_->empty()) {
    if (auto valid = validate_namespace(*subtree_, "subtree"); !valid) return valid;
  }
  if (auto valid = validate_glob(keys_, "keys"); !valid) return valid;
  if (keys_.empty()) return fail_field("keys", "an empty glob matches no key; \"**\" matches all");
  if (!follows_some_of(follow)) {
    return fail_field(ns_ ? "ns" : "subtree", "this subscriber follows nothing of it");
  }
  return {};
}

bool KeySelection::covers_namespace(std::string_view ns) const {
  if (ns_) return ns == *ns_;
  return !subtree_ || is_under(ns, *subtree_);
}

bool KeySelection::covers_key(std::string_view key) const {
  return all_keys_ || glob_matches(keys_, key);
}

}  // namespace prismbus
