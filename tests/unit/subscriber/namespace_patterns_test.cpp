#include "subscriber/sync/namespace_patterns.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

TEST_CASE("a pattern is a namespace, a namespace with everything below it, or everything") {
  const auto some = NamespacePatterns::make({"a.b", "c.**"}, "cache.secret").value();
  CHECK(some.covers("a.b"));
  CHECK_FALSE(some.covers("a.b.c"));
  CHECK_FALSE(some.covers("a"));
  CHECK(some.covers("c"));
  CHECK(some.covers("c.d.e"));
  CHECK_FALSE(some.covers("cd"));
  CHECK_FALSE(some.covers("_system.policy"));
  const auto all = NamespacePatterns::make({"**"}, "cache.secret").value();
  CHECK(all.covers("a"));
  CHECK(all.covers("_system.policy"));  // what is to be kept from the disk is more, not less
  CHECK_FALSE(NamespacePatterns().covers("a"));
  CHECK_FALSE(NamespacePatterns::make({}, "cache.secret").value().covers("a"));
}

TEST_CASE("a pattern of another form is refused, with the option it was given to") {
  for (const char* pattern : {"", "*", "a.*", "a.**.b", "**.a", ".**", "a/**", "a b"}) {
    INFO(pattern);
    const auto made = NamespacePatterns::make({"a", pattern}, "cache.secret");
    REQUIRE_FALSE(made);
    CHECK(made.error().code == ErrorCode::invalid_argument);
    CHECK(made.error().field == "cache.secret");
  }
}
