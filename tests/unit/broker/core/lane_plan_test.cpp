#include "broker/core/lane_plan.hpp"

#include "proto/wire/codec/stream.hpp"
#include "tests/unit/broker/core/hall.hpp"

namespace prismbus {
namespace {

constexpr std::string_view kExpress =
    "\x81\xa4lane\xa7"
    "express";
constexpr std::string_view kChanges =
    "\x81\xa4lane\xa7"
    "changes";
void ignore(LogLevel, std::string_view) {}

// A plan that follows what a hall applies.
struct PlanDesk : testing::Hall {
  explicit PlanDesk(bool has_express = true) : plan(has_express, book) {}
  void policy(ChangeOp op, std::string_view pattern, std::string_view value = {}) {
    book.apply(*apply({{op, kPolicyNamespace, pattern, value}}));
  }
  std::string choose(std::string_view ns, Lane before) {
    const auto choice = plan.choose(ns, before, now);
    return std::string(choice.lane == Lane::express ? "express" : "changes") + (choice.both ? " both" : "");
  }
  void pass(std::chrono::milliseconds by) { now += by; }
  RuleBook book{ignore};
  LanePlan plan;
  Steady now{std::chrono::hours(1)};
};

}  // namespace

TEST_CASE("a namespace that changes lanes goes out on both for 60 s from its first set after it") {
  PlanDesk desk;
  CHECK(desk.choose("a", Lane::changes) == "changes");
  desk.policy(ChangeOp::put, "a", kExpress);
  desk.pass(std::chrono::hours(1));  // the policy alone starts nothing
  CHECK(desk.choose("a", Lane::changes) == "express both");
  CHECK(desk.choose("b", Lane::changes) == "changes");
  desk.pass(std::chrono::milliseconds(59'999));
  CHECK(desk.choose("a", Lane::express) == "express both");
  desk.pass(std::chrono::milliseconds(1));
  CHECK(desk.choose("a", Lane::express) == "express");
  desk.policy(ChangeOp::del, "a");
  CHECK(desk.choose("a", Lane::express) == "changes both");
  desk.pass(std::chrono::seconds(20));
  desk.policy(ChangeOp::put, "a", kExpress);
  CHECK(desk.choose("a", Lane::changes) == "express both");  // counted anew
  desk.pass(std::chrono::seconds(50));
  CHECK(desk.choose("a", Lane::express) == "express both");
  desk.pass(std::chrono::seconds(10));
  CHECK(desk.choose("a", Lane::express) == "express");
}

TEST_CASE("a namespace created on express counts as changed") {
  PlanDesk desk;
  desk.policy(ChangeOp::put, "fast.**", kExpress);
  CHECK(desk.choose("fast.new", Lane::changes) == "express both");
}

TEST_CASE("without an express endpoint everything stays on changes, and heads say so") {
  PlanDesk desk(false);
  desk.policy(ChangeOp::put, "**", kExpress);
  CHECK(desk.choose("a", Lane::changes) == "changes");
  CHECK(desk.plan.served(Lane::express) == Lane::changes);
  // Of a former life with the lane bound.
  CHECK(desk.choose("b", Lane::express) == "changes both");
}

TEST_CASE("more namespaces than are remembered change lanes: then all of them count as changing (I8)") {
  PlanDesk desk;
  desk.policy(ChangeOp::put, "**", kExpress);
  for (std::size_t i = 0; i < LanePlan::kChangingMax; ++i) {
    REQUIRE(desk.choose("n" + std::to_string(i), Lane::changes) == "express both");
  }
  CHECK(desk.choose("one-more", Lane::changes) == "express both");
  CHECK(desk.plan.changing() == LanePlan::kChangingMax);
  CHECK(desk.choose("one-more", Lane::express) == "express both");
  CHECK(desk.choose("untouched", Lane::express) == "express both");
  desk.pass(LanePlan::kBothLanes);
  CHECK(desk.choose("one-more", Lane::express) == "express");
  CHECK(desk.plan.changing() == 0);
}

TEST_CASE("the policy is read back at start, from the state and the tail, unknown fields left out") {
  PlanDesk desk;
  desk.policy(ChangeOp::put, "a", kExpress);
  desk.policy(ChangeOp::put, "b", kExpress);
  desk.policy(ChangeOp::put, "later", "\x81\xa5roles\x90");  // as a newer broker would store it
  desk.fold();
  desk.policy(ChangeOp::put, "b", kChanges);
  RuleBook again(ignore);
  REQUIRE(again.load(desk.store));
  CHECK(again.policy().size() == 2);
  CHECK(again.policy().lane_of("a") == Lane::express);
  CHECK(again.policy().lane_of("b") == Lane::express);  // the tail comes after
}

}  // namespace prismbus
