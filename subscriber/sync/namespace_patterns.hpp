// Namespaces named by patterns, as the contract writes them for the policy (PROTOCOL sections 4 and 7):
// `a.b`, `a.b.**` = a.b and everything below it, `**` = all of them, the broker's own too. Pure, immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/error.hpp"

namespace prismbus {

class NamespacePatterns {
 public:
  NamespacePatterns() = default;  // covers nothing
  // invalid_argument, with `field`: a pattern of another form.
  [[nodiscard]] static Result<NamespacePatterns> make(const std::vector<std::string>& patterns,
                                                      std::string_view field);
  [[nodiscard]] bool covers(std::string_view ns) const;

 private:
  bool all_ = false;
  std::vector<std::string> exact_, below_;
};

}  // namespace prismbus
