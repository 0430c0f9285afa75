#include "broker/gateway/http/origin_rules.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

namespace {
HttpRequest of(std::string host, std::string origin = {}) {
  HttpRequest request;
  request.headers.emplace_back("host", std::move(host));
  if (!origin.empty()) request.headers.emplace_back("origin", std::move(origin));
  return request;
}
}  // namespace

TEST_CASE("Host is loopback, the address that is bound, or a name on the list; its port does not count") {
  const OriginRules rules("10.0.0.7", {"Config.Example.com"}, {});
  for (const char* good : {"localhost", "LocalHost:1", "127.0.0.1:7480", "[::1]:7480", "[::1]", "10.0.0.7:80",
                           "config.example.com"})
    CHECK(rules.admit(of(good)));
  for (const char* bad :
       {"evil.example", "", "localhost.evil.example", "127.0.0.1.evil", "[::1", "::1", "10.0.0.8",
        "a@localhost", "[::1]evil.com", "localhost:80@evil.com", "localhost:x"}) {
    INFO(bad);
    const auto refused = rules.admit(of(bad));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::permission_denied);
  }
  CHECK(rules.admit(HttpRequest{}).error().field == "Host");
}

TEST_CASE("Origin is the very host that was asked, or on the list") {
  const OriginRules rules("127.0.0.1", {}, {"https://console.example.com"});
  CHECK(rules.admit(of("localhost:7480", "http://localhost:7480")));
  CHECK(rules.admit(of("localhost:7480", "https://LOCALHOST:7480")));  // behind what ends TLS
  CHECK(rules.admit(of("localhost", "https://console.example.com")));
  for (const char* bad :
       {"http://localhost", "http://localhost:3000", "http://127.0.0.1:7480", "null",
        "https://console.example.com:444", "http://console.example.com", "ftp://localhost:7480"}) {
    INFO(bad);
    CHECK_FALSE(rules.admit(of("localhost:7480", bad)));
  }
  HttpRequest two = of("localhost", "http://localhost");
  two.headers.emplace_back("origin", "http://evil.example");
  CHECK_FALSE(rules.admit(two));
}

TEST_CASE("with TLS the gateway's own pages have come by https") {
  const OriginRules rules("127.0.0.1", {}, {"http://console.example.com"}, Scheme::https);
  CHECK(rules.admit(of("localhost:7480", "https://localhost:7480")));
  CHECK_FALSE(rules.admit(of("localhost:7480", "http://localhost:7480")));
  CHECK(rules.admit(of("localhost:7480", "http://console.example.com")));  // somebody listed it so
}

TEST_CASE(
    "only with TLS, and only under a name that is this host's alone, a browser is told to use nothing else") {
  const OriginRules tls("10.0.0.7", {"config.example.com"}, {}, Scheme::https);
  for (const char* named : {"config.example.com", "Config.Example.com:7480", "10.0.0.7"})
    CHECK(tls.transport_headers(of(named)).size() == 1);
  for (const char* loopback : {"localhost", "LOCALHOST:7480", "127.0.0.1:1", "[::1]:7480"})
    CHECK(tls.transport_headers(of(loopback)).empty());
  CHECK(tls.transport_headers(HttpRequest{}).empty());
  CHECK(OriginRules("10.0.0.7", {}, {}).transport_headers(of("10.0.0.7")).empty());
}

TEST_CASE("CORS headers go to pages of listed sites alone") {
  const OriginRules rules("127.0.0.1", {}, {"https://console.example.com"});
  CHECK(rules.cors_headers(of("localhost", "http://localhost")).empty());
  CHECK(rules.cors_headers(of("localhost", "https://console.example.com")).size() == 3);
  HttpRequest asks = of("localhost", "https://console.example.com");
  asks.verb = Verb::options;
  CHECK_FALSE(rules.is_preflight(asks));
  asks.headers.emplace_back("access-control-request-method", "PUT");
  CHECK(rules.is_preflight(asks));
}
