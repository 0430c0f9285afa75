// Which keys of what a Subscriber follows somebody speaks of: a namespace or a subtree, and a glob. Pure,
// immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/wire/error.hpp"
#include "subscriber/sync/follow_set.hpp"

namespace prismbus {

class KeySelection {
 public:
  // Neither `ns` nor `subtree`: all namespaces.
  KeySelection(std::optional<std::string> ns, std::optional<std::string> subtree, std::string keys);

  // invalid_argument, naming `ns`, `subtree` or `keys`: both of the first two, a malformed name or glob, or
  // nothing of it is followed.
  [[nodiscard]] Result<void> validate(const FollowSet& follow) const;

  [[nodiscard]] bool covers_namespace(std::string_view ns) const;
  [[nodiscard]] bool covers_key(std::string_view key) const;

 private:
  [[nodiscard]] bool follows_some_of(const FollowSet& follow) const;

  std::optional<std::string> ns_, subtree_;
  std::string keys_;
  bool all_keys_;
};

}  // namespace prismbus
