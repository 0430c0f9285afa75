// The policy a broker begins with: `policy.json` beside its keys, a map of rules by pattern. It is written
// once, as the first transaction of `_system.policy`, through the same door as every other write; from then
// on the store counts, and the file is not looked at.
#pragma once

#include <optional>
#include <string>

#include "broker/store/store.hpp"
#include "proto/wire/error.hpp"

namespace prismbus {

// The request that writes it, encoded; nullopt: there is no such file, it holds no rule, or the store has had
// a policy. Errors: invalid_argument, which names file and pattern, or says that it is more than a
// transaction takes; what else keeps it from being read.
[[nodiscard]] Result<std::optional<std::string>> first_policy_request(const std::string& directory,
                                                                      const Store& store);

}  // namespace prismbus
