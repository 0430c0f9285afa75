#include "broker/core/policy.hpp"

#include <catch2/catch.hpp>

namespace prismbus {
namespace {

constexpr std::string_view kExpress =
    "\x81\xa4lane\xa7"
    "express";

std::string path_of(std::string_view value) {
  const auto rule = decode_policy_rule(value);
  if (rule) return "taken";
  CHECK(rule.error().code == ErrorCode::rejected);
  CHECK(rule.error().reason.has_value());
  return rule.error().path.value_or("none");
}

}  // namespace

TEST_CASE("a policy's key is a namespace, a namespace and everything below, or everything") {
  for (const std::string_view key : {"a", "a.b", "a.**", "a.b.**", "**", "_system.x"}) {
    INFO(key);
    CHECK(validate_policy_pattern(key).has_value());
  }
  for (const std::string_view key :
       {"*", "a.*", "a**", ".**", "a..b", "a.**.b", "a/b", "***", "**.a", "a.** "}) {
    INFO(key);
    const auto refused = validate_policy_pattern(key);
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == ErrorCode::rejected);
    CHECK(refused.error().path == "key");
    CHECK(refused.error().reason.has_value());
  }
}

TEST_CASE("a policy's value is a map of known fields, and what is wrong is named") {
  CHECK(decode_policy_rule(kExpress)->lane == Lane::express);
  CHECK(decode_policy_rule("\x81\xa4lane\xa7"
                           "changes")
            ->lane == Lane::changes);
  CHECK(!decode_policy_rule("\x80")->lane.has_value());
  CHECK(path_of("\xc0") == "value");
  CHECK(path_of("\xa7"
                "express") == "value");
  CHECK(path_of("\x81\xa4lane\xa4slow") == "value.lane");
  CHECK(path_of("\x81\xa4lane\x01") == "value.lane");
  CHECK(path_of("\x81\xa5roles\x90") == "value.roles");
  CHECK(path_of("\x82\xa4lane\xa7"
                "express\xa4"
                "deny\xc3") == "value.deny");
  CHECK(path_of("\x81\x01\x02") == "value");
}

TEST_CASE("the most specific pattern that says something wins") {
  Policy policy;
  const PolicyRule express{Lane::express}, changes{Lane::changes}, nothing{};
  CHECK(policy.lane_of("a.b") == Lane::changes);
  policy.set("**", express);
  CHECK(policy.lane_of("a.b") == Lane::express);
  CHECK(policy.lane_of("_system.policy") == Lane::changes);  // `**` leaves the broker's own out
  policy.set("_system.policy", express);
  CHECK(policy.lane_of("_system.policy") == Lane::express);
  policy.set("a.**", changes);
  CHECK(policy.lane_of("a") == Lane::changes);
  CHECK(policy.lane_of("a.b.c") == Lane::changes);
  CHECK(policy.lane_of("ab") == Lane::express);
  policy.set("a.b.**", express);
  CHECK(policy.lane_of("a.b") == Lane::express);
  CHECK(policy.lane_of("a.b.c") == Lane::express);
  CHECK(policy.lane_of("a.bc") == Lane::changes);
  policy.set("a.b", changes);
  CHECK(policy.lane_of("a.b") == Lane::changes);
  CHECK(policy.lane_of("a.b.c") == Lane::express);
  policy.set("a.b", nothing);  // says nothing: the next one does
  CHECK(policy.lane_of("a.b") == Lane::express);
  CHECK(policy.size() == 5);
  for (const std::string_view pattern : {"**", "a.**", "a.b.**", "a.b", "_system.policy", "never.there"}) {
    policy.erase(pattern);
  }
  CHECK(policy.empty());
  CHECK(policy.lane_of("a.b") == Lane::changes);
}

}  // namespace prismbus
