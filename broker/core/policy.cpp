#include "broker/core/policy.hpp"

#include <algorithm>

#include "proto/base/assert.hpp"
#include "proto/wire/codec/cursor.hpp"
#include "proto/wire/limits.hpp"
#include "proto/wire/names.hpp"
#include "proto/wire/pattern_form.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kEverybody = "*";

tl::unexpected<Error> rejected(std::string path, std::string reason) {
  Error error = error_of(ErrorCode::rejected, "the policy is not taken");
  error.path = std::move(path);
  error.reason = std::move(reason);
  return tl::unexpected<Error>(std::move(error));
}

Result<RightSet> decode_rights(codec::Cursor& in, const std::string& path) {
  std::uint32_t count = 0;
  RightSet rights;
  if (!in.read_array(count)) return rejected(path, "must be a list of rights");
  for (; count > 0; --count) {
    std::string_view name;
    const bool is_text = in.read_text(name);
    const auto* const known = std::find(kRightNames.begin(), kRightNames.end(), name);
    if (!is_text || known == kRightNames.end())
      return rejected(path, "a right is `read`, `write` or `admin`");
    rights.add(static_cast<Right>(known - kRightNames.begin()));
  }
  return rights;
}

Result<PolicyRule::Rights> decode_principals(codec::Cursor& in, const std::string& path) {
  std::uint32_t count = 0;
  PolicyRule::Rights out;
  if (!in.read_map(count)) return rejected(path, "must be rights by principal");
  if (count > Policy::kPrincipalsMax) return rejected(path, "at most 1024 principals");
  for (; count > 0; --count) {
    std::string_view principal;
    if (!in.read_text(principal) || principal.empty() || principal.size() > limits::kKeyBytes) {
      return rejected(path, "a principal is a name, or `*` for everybody with a token");
    }
    auto rights = decode_rights(in, path + "." + std::string(principal));
    if (!rights) return tl::unexpected(rights.error());
    out.emplace_back(principal, *rights);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

bool says(const PolicyRule::Rights& rights, std::string_view principal, Right right) {
  const auto one = [&](std::string_view name) {
    const auto at = std::lower_bound(rights.begin(), rights.end(), name,
                                     [](const auto& entry, std::string_view n) { return entry.first < n; });
    return at != rights.end() && at->first == name && at->second.has(right);
  };
  return !rights.empty() && (one(principal) || one(kEverybody));
}

}  // namespace

Result<void> validate_policy_pattern(std::string_view key) {
  if (pattern_form(key)) return {};
  return rejected("key", std::string(kPatternForms));
}

Result<PolicyRule> decode_policy_rule(std::string_view value) {
  codec::Cursor in(value);
  std::uint32_t fields = 0;
  if (!in.read_map(fields)) return rejected("value", "must be a map of fields");
  PolicyRule rule;
  for (; fields > 0; --fields) {
    std::string_view name, text;
    if (!in.read_text(name)) return rejected("value", "names of fields must be strings");
    const std::string path = "value." + std::string(name);
    if (name == "lane") {
      if (!in.read_text(text) || (text != "changes" && text != "express")) {
        return rejected(path, "must be `changes` or `express`");
      }
      rule.lane = text == "express" ? Lane::express : Lane::changes;
    } else if (name == "secret") {
      bool secret = false;
      if (!in.read_boolean(secret)) return rejected(path, "must be true or false");
      rule.secret = secret;
    } else if (name == "roles" || name == "deny") {
      auto rights = decode_principals(in, path);
      if (!rights) return tl::unexpected(rights.error());
      (name == "roles" ? rule.roles : rule.deny) = std::move(*rights);
    } else {
      return rejected(path, "no such field; a policy knows lane, secret, roles and deny");
    }
  }
  return rule;
}

void Policy::count(const PolicyRule& rule, std::ptrdiff_t by) {
  if (rule.speaks_of_rights()) of_rights_ += by;
  if (!rule.deny.empty()) of_denies_ += by;
  if (rule.secret == true) of_secrets_ += by;
}

void Policy::set(std::string_view pattern, const PolicyRule& rule) {
  erase(pattern);
  const auto form = pattern_form(pattern);
  PRISMBUS_ASSERT(form, "validate_policy_pattern took it");
  (form->below ? below_ : exact_).emplace(form->name, rule);
  count(rule, 1);
}

void Policy::erase(std::string_view pattern) {
  const auto form = pattern_form(pattern);
  if (!form) return;  // set() took none of this form
  Rules& rules = form->below ? below_ : exact_;
  const auto at = rules.find(form->name);
  if (at == rules.end()) return;
  count(at->second, -1);
  rules.erase(at);
}

template <class Visit>
void Policy::visit_covering(std::string_view ns, bool exact, Visit visit) const {
  const auto one = [&](const Rules& rules, std::string_view name) {
    const auto at = rules.find(name);
    return at == rules.end() || visit(at->second);
  };
  if (exact && !one(exact_, ns)) return;
  for (std::string_view name = ns; !name.empty();) {
    if (!one(below_, name)) return;
    const auto dot = name.rfind('.');
    name = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  }
  if (!is_system_namespace(ns)) one(below_, "");  // `**` leaves the broker's own out
}

Lane Policy::lane_of(std::string_view ns) const {
  Lane lane = Lane::changes;
  if (empty()) return lane;
  visit_covering(ns, true, [&](const PolicyRule& rule) {
    lane = rule.lane.value_or(lane);
    return !rule.lane;
  });
  return lane;
}

bool Policy::is_secret(std::string_view ns) const {
  bool secret = false;
  if (of_secrets_ == 0 || is_system_namespace(ns)) return secret;
  visit_covering(ns, true, [&](const PolicyRule& rule) {
    secret = rule.secret.value_or(secret);
    return !rule.secret;
  });
  return secret;
}

bool Policy::grants(std::string_view principal, Right right, std::string_view ns) const {
  bool granted = false;
  if (of_rights_ == 0) return granted;
  visit_covering(ns, true,
                 [&](const PolicyRule& rule) { return !(granted = says(rule.roles, principal, right)); });
  return granted;
}

bool Policy::denies(std::string_view principal, Right right, std::string_view ns) const {
  bool denied = false;
  if (of_denies_ == 0) return denied;
  visit_covering(ns, true,
                 [&](const PolicyRule& rule) { return !(denied = says(rule.deny, principal, right)); });
  return denied;
}

bool Policy::grants_all_below(std::string_view principal, Right right, std::string_view under) const {
  bool granted = false;
  if (of_rights_ == 0) return granted;
  visit_covering(under, false,
                 [&](const PolicyRule& rule) { return !(granted = says(rule.roles, principal, right)); });
  return granted;
}

void Policy::add_nodes_granted(std::string_view principal, Right right, std::string_view under,
                               std::vector<std::string>& names) const {
  if (of_rights_ == 0) return;
  for (const auto& [name, rule] : below_) {
    if (is_under(name, under) && says(rule.roles, principal, right)) names.push_back(name);
  }
}

bool Policy::denies_within(std::string_view principal, Right right, std::string_view under) const {
  if (of_denies_ == 0) return false;
  if (denies(principal, right, under)) return true;
  const auto within = [&](const Rules& rules) {
    return std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
      return is_under(rule.first, under) && says(rule.second.deny, principal, right);
    });
  };
  return within(exact_) || within(below_);
}

}  // namespace prismbus
