#include "broker/gateway/http/http_target.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;
using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("a target is taken apart before it is decoded, so that an escaped / is part of a name") {
  const auto target = split_target("/a%2Fb//c%20d/?x=1%262&y&&z=%3D=");
  REQUIRE(target);
  CHECK(target->path == std::vector<std::string>{"a/b", "", "c d", ""});
  CHECK(target->query == Pairs{{"x", "1&2"}, {"y", ""}, {"z", "=="}});
}

TEST_CASE("a plus is a plus, and any byte can be written") {
  const auto target = split_target("/%00%ff+?k=a+b");
  REQUIRE(target);
  CHECK(target->path[0] == std::string("\0\xff+", 3));
  CHECK(target->query == Pairs{{"k", "a+b"}});
}

TEST_CASE("what is no target is refused, and a parameter that stands twice is named") {
  for (const char* bad : {"", "*", "a", "http://h/a", "/a#b", "/%", "/%4", "/%4g", "/a?k=%", "/a?%=1"}) {
    INFO(bad);
    const auto target = split_target(bad);
    REQUIRE_FALSE(target);
    CHECK(target.error().code == ErrorCode::invalid_argument);
    CHECK(target.error().field == "target");
  }
  const auto twice = split_target("/a?at=1&at=2");
  REQUIRE_FALSE(twice);
  CHECK(twice.error().field == "at");
  CHECK(split_target("/a?%ff=1&%ff=2").error().field == "target");  // no text for a reply
  std::string many = "/a?";
  for (int i = 0; i < 65; ++i) many += "&k" + std::to_string(i);
  CHECK_FALSE(split_target(many));
}
