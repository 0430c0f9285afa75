// The policy in force: what `_system.policy` says of namespaces, as a small immutable value. A key there is a
// pattern (a namespace, `a.b.**` for a.b and everything below, `**` for every ordinary namespace), a value is
// a map of known fields. Of `lane` and `secret` the most specific pattern that says something wins: the
// name itself, then the longest `.**`, then `**`. Of `roles` and `deny` all patterns that cover a namespace
// count, and a deny anywhere wins. Pure; any thread.
//   {lane: "express", secret: true, roles: {alice: ["read", "write"], "*": ["read"]}, deny: {bob: ["write"]}}
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/right.hpp"
#include "proto/base/bytes.hpp"
#include "proto/wire/messages.hpp"

namespace prismbus {

inline constexpr std::string_view kPolicyNamespace = "_system.policy";

// What one pattern says; a field that is not set leaves the word to less specific patterns.
struct PolicyRule {
  // By principal, `*` = whoever has a token; sorted.
  using Rights = std::vector<std::pair<std::string, RightSet>>;
  std::optional<Lane> lane{};
  std::optional<bool> secret{};  // values are sealed on disk
  Rights roles{}, deny{};
  [[nodiscard]] bool speaks_of_rights() const { return !roles.empty() || !deny.empty(); }
  friend bool operator==(const PolicyRule&, const PolicyRule&) = default;
};

// Whether `key` is a pattern. Errors: rejected, with `path` and `reason`.
[[nodiscard]] Result<void> validate_policy_pattern(std::string_view key);
// The rule that an encoded value stands for. Errors: rejected, with `path` and `reason`.
[[nodiscard]] Result<PolicyRule> decode_policy_rule(std::string_view value);

class Policy {
 public:
  static constexpr std::size_t kPatternsMax = 4096;    // a policy is copied whole when it changes
  static constexpr std::size_t kPrincipalsMax = 1024;  // named in one `roles` or `deny`

  void set(std::string_view pattern, const PolicyRule& rule);
  void erase(std::string_view pattern);

  [[nodiscard]] Lane lane_of(std::string_view ns) const;    // `changes` where nothing is said
  [[nodiscard]] bool is_secret(std::string_view ns) const;  // not where nothing is said, nor of `_...`
  // Whether a pattern that covers `ns` says so of this principal, or of everybody.
  [[nodiscard]] bool grants(std::string_view principal, Right right, std::string_view ns) const;
  [[nodiscard]] bool denies(std::string_view principal, Right right, std::string_view ns) const;
  // ... of `under` and all that is or will be below it, "" = every ordinary namespace.
  [[nodiscard]] bool grants_all_below(std::string_view principal, Right right, std::string_view under) const;
  // Appends the names at or below `under` below which a pattern grants everything.
  void add_nodes_granted(std::string_view principal, Right right, std::string_view under,
                         std::vector<std::string>& names) const;
  // ... of `under` or anything below it.
  [[nodiscard]] bool denies_within(std::string_view principal, Right right, std::string_view under) const;

  [[nodiscard]] bool speaks_of_rights() const { return of_rights_ > 0; }
  [[nodiscard]] bool empty() const { return exact_.empty() && below_.empty(); }
  [[nodiscard]] std::size_t size() const { return exact_.size() + below_.size(); }

 private:
  using Rules = std::unordered_map<std::string, PolicyRule, BytesHash, std::equal_to<>>;
  // Calls `visit` with each rule that covers `ns`, the most specific first, until it returns false.
  template <class Visit>
  void visit_covering(std::string_view ns, bool exact, Visit visit) const;
  void count(const PolicyRule& rule, std::ptrdiff_t by);

  Rules exact_;  // by namespace
  Rules below_;  // by the name before `.**`; `**` stands under ""
  std::ptrdiff_t of_rights_ = 0, of_denies_ = 0, of_secrets_ = 0;  // rules that speak of them, if any does
};

}  // namespace prismbus
