// What a subscriber follows: exact namespaces and subtrees, without overlaps, and the topics that cover them.
// Pure, immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

class FollowSet {
 public:
  // invalid_argument: a malformed name, or nothing to follow. What a subtree covers is dropped from the
  // others.
  [[nodiscard]] static Result<FollowSet> make(std::vector<std::string> namespaces,
                                              std::vector<std::string> subtrees);

  [[nodiscard]] const std::vector<std::string>& namespaces() const { return namespaces_; }  // sorted, exact
  [[nodiscard]] const std::vector<std::string>& subtrees() const {
    return subtrees_;
  }                                                      // sorted; "" = everything
  [[nodiscard]] bool covers(std::string_view ns) const;  // exactly, or by a subtree
  // Index into subtrees() of the one that covers `ns`.
  [[nodiscard]] std::optional<std::size_t> subtree_of(std::string_view ns) const;
  // Topics to subscribe to on each lane. Everything = the 63 first bytes an ordinary name can have.
  [[nodiscard]] std::vector<std::string> topics() const;

 private:
  std::vector<std::string> namespaces_, subtrees_;
};

}  // namespace prismbus
