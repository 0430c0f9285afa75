// What is followed, without overlaps, and the topics that cover it.
#include "subscriber/sync/follow_set.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace prismbus;

TEST_CASE("what a subtree covers is dropped from the rest") {
  const auto set = FollowSet::make({"a.b", "a", "x", "_system.policy"}, {"a", "a.b", "a-b"});
  REQUIRE(set);
  CHECK(set->subtrees() == std::vector<std::string>{"a", "a-b"});
  CHECK(set->namespaces() == std::vector<std::string>{"_system.policy", "x"});
  CHECK(set->subtree_of("a.b.c") == 0u);
  CHECK(set->subtree_of("a-b") == 1u);
  CHECK_FALSE(set->subtree_of("ab"));
}

TEST_CASE("topics end where the namespace ends, so that a, ab and a-b stay apart") {
  const auto set = FollowSet::make({"x.y"}, {"a"});
  REQUIRE(set);
  CHECK(set->topics() == std::vector<std::string>{"x.y/", "a/", "a."});
}

TEST_CASE("everything is the 63 first bytes of ordinary names") {
  const auto set = FollowSet::make({}, {""});
  REQUIRE(set);
  const auto topics = set->topics();
  CHECK(topics.size() == 63);
  CHECK(std::find(topics.begin(), topics.end(), "_") == topics.end());
  CHECK_FALSE(set->subtree_of("_system.policy"));
}

TEST_CASE("nothing to follow and malformed names are refused with the field") {
  CHECK(FollowSet::make({}, {}).error().field == "namespaces");
  CHECK(FollowSet::make({"a/b"}, {}).error().code == ErrorCode::invalid_argument);
  CHECK(FollowSet::make({}, {"a..b"}).error().code == ErrorCode::invalid_argument);
}
