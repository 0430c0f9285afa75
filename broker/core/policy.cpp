#include "broker/core/policy.hpp"

#include "proto/wire/codec/cursor.hpp"
#include "proto/wire/names.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kEverything = "**";
constexpr std::string_view kBelow = ".**";

tl::unexpected<Error> rejected(std::string path, std::string reason) {
  Error error = error_of(ErrorCode::rejected, "the policy is not taken");
  error.path = std::move(path);
  error.reason = std::move(reason);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace

Result<void> validate_policy_pattern(std::string_view key) {
  std::string_view name = key;
  if (name == kEverything) return {};
  if (name.ends_with(kBelow)) name.remove_suffix(kBelow.size());
  if (is_namespace(name)) return {};
  return rejected("key", "a pattern is a namespace, a namespace and `.**`, or `**`");
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
    if (name != "lane") return rejected(path, "no such field");
    if (!in.read_text(text) || (text != "changes" && text != "express")) {
      return rejected(path, "must be `changes` or `express`");
    }
    rule.lane = text == "express" ? Lane::express : Lane::changes;
  }
  return rule;
}

void Policy::set(std::string_view pattern, const PolicyRule& rule) {
  if (pattern == kEverything) {
    below_.insert_or_assign(std::string(), rule);
  } else if (pattern.ends_with(kBelow)) {
    pattern.remove_suffix(kBelow.size());
    below_.insert_or_assign(std::string(pattern), rule);
  } else {
    exact_.insert_or_assign(std::string(pattern), rule);
  }
}

void Policy::erase(std::string_view pattern) {
  const bool everything = pattern == kEverything;
  Rules& rules = pattern.ends_with(kBelow) || everything ? below_ : exact_;
  if (&rules == &below_) pattern.remove_suffix(everything ? pattern.size() : kBelow.size());
  if (const auto at = rules.find(pattern); at != rules.end()) rules.erase(at);
}

Lane Policy::lane_of(std::string_view ns) const {
  if (empty()) return Lane::changes;
  const auto said = [](const Rules& rules, std::string_view name) {
    const auto at = rules.find(name);
    return at == rules.end() ? std::nullopt : at->second.lane;
  };
  if (const auto lane = said(exact_, ns)) return *lane;
  for (std::string_view name = ns; !name.empty();) {
    if (const auto lane = said(below_, name)) return *lane;
    const auto dot = name.rfind('.');
    name = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  }
  if (is_system_namespace(ns)) return Lane::changes;  // `**` leaves the broker's own out
  return said(below_, "").value_or(Lane::changes);
}

}  // namespace prismbus
