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

TEST_CASE(
    "a target as to a proxy is taken with its host, which counts more than the header (RFC 9112, 3.2.2)") {
  struct Row {
    std::string given, target, host;
  };
  for (const Row& row : {Row{"http://a.b:80/x?y=1", "/x?y=1", "a.b:80"}, Row{"HTTPS://a.b", "/", "a.b"},
                         Row{"http://a.b?y=1", "/?y=1", "a.b"}, Row{"http:///x", "/x", ""},
                         Row{"http://u@a.b/", "/", "u@a.b"}, Row{"/x?u=http://c", "/x?u=http://c", "h"},
                         Row{"ftp://a.b/x", "ftp://a.b/x", "h"}, Row{"*", "*", "h"}}) {
    INFO(row.given);
    HttpRequest request;
    request.target = row.given;
    request.headers = {{"host", "h"}, {"x", "h"}};
    to_origin_form(request);
    CHECK(request.target == row.target);
    CHECK(request.headers == HttpHeaders{{"host", row.host}, {"x", "h"}});
  }
  HttpRequest without;
  without.target = "http://a.b/x";
  to_origin_form(without);
  CHECK(without.header("host") == nullptr);  // one is needed all the same
}
