#include "subscriber/sync/follow_set.hpp"

#include <algorithm>

#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

void sort_unique(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace

Result<FollowSet> FollowSet::make(std::vector<std::string> namespaces, std::vector<std::string> subtrees) {
  if (namespaces.empty() && subtrees.empty()) return fail_field("namespaces", "name something to follow");
  for (const std::string& ns : namespaces) {
    if (auto valid = validate_namespace(ns, "namespaces"); !valid)
      return tl::unexpected<Error>(valid.error());
  }
  for (const std::string& under : subtrees) {
    if (under.empty()) continue;
    if (auto valid = validate_namespace(under, "subtrees"); !valid)
      return tl::unexpected<Error>(valid.error());
  }
  sort_unique(namespaces);
  sort_unique(subtrees);
  FollowSet out;
  for (const std::string& under : subtrees) {  // sorted: what covers comes before what it covers
    if (!under.empty() && out.subtree_of(under)) continue;
    out.subtrees_.push_back(under);
  }
  for (std::string& ns : namespaces) {
    if (!out.subtree_of(ns)) out.namespaces_.push_back(std::move(ns));
  }
  return out;
}

std::optional<std::size_t> FollowSet::subtree_of(std::string_view ns) const {
  for (std::size_t i = 0; i < subtrees_.size(); ++i) {
    if (is_under(ns, subtrees_[i])) return i;
  }
  return std::nullopt;
}

bool FollowSet::covers(std::string_view ns) const {
  return std::binary_search(namespaces_.begin(), namespaces_.end(), ns) || subtree_of(ns).has_value();
}

std::vector<std::string> FollowSet::topics() const {
  std::vector<std::string> out;
  for (const std::string& ns : namespaces_) out.push_back(topic_of(ns));
  for (const std::string& under : subtrees_) {
    if (under.empty()) {
      constexpr std::string_view kFirst = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
      static_assert(kFirst.size() == 63);
      for (const char c : kFirst) out.emplace_back(1, c);
    } else {
      out.push_back(topic_of(under));
      out.push_back(under + ".");
    }
  }
  return out;
}

}  // namespace prismbus
