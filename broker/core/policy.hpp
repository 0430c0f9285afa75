// The policy in force: what `_system.policy` says of namespaces, as a small immutable value. A key there is a
// pattern (a namespace, `a.b.**` for a.b and everything below, `**` for every ordinary namespace), a value is
// a map of known fields. The most specific pattern that says something wins: the name itself, then the
// longest `.**`, then `**`. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proto/base/bytes.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

inline constexpr std::string_view kPolicyNamespace = "_system.policy";

// What one pattern says; a field that is not set leaves the word to less specific patterns.
struct PolicyRule {
  std::optional<Lane> lane;
  friend bool operator==(const PolicyRule&, const PolicyRule&) = default;
};

// Whether `key` is a pattern. Errors: rejected, with `path` and `reason`.
[[nodiscard]] Result<void> validate_policy_pattern(std::string_view key);
// The rule that an encoded value stands for. Errors: rejected, with `path` and `reason`.
[[nodiscard]] Result<PolicyRule> decode_policy_rule(std::string_view value);

class Policy {
 public:
  static constexpr std::size_t kPatternsMax = 4096;  // a policy is copied whole when it changes

  void set(std::string_view pattern, const PolicyRule& rule);
  void erase(std::string_view pattern);

  [[nodiscard]] Lane lane_of(std::string_view ns) const;  // `changes` where nothing is said
  [[nodiscard]] bool empty() const { return exact_.empty() && below_.empty(); }
  [[nodiscard]] std::size_t size() const { return exact_.size() + below_.size(); }

 private:
  using Rules = std::unordered_map<std::string, PolicyRule, BytesHash, std::equal_to<>>;
  Rules exact_;  // by namespace
  Rules below_;  // by the name before `.**`; `**` stands under ""
};

}  // namespace prismbus
