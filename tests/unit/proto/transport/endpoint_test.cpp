// Endpoints are taken as they are or refused with the reason.
#include "proto/transport/endpoint.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

namespace {

bool valid(const std::string& text, Endpoint::Use use) {
  return Endpoint::parse(text, use).has_value();
}

}  // namespace

TEST_CASE("tcp and ipc endpoints are parsed and written back") {
  for (const char* text :
       {"tcp://127.0.0.1:7400", "tcp://broker.example:1", "tcp://[::1]:65535", "ipc:///run/prismbus"}) {
    const auto endpoint = Endpoint::parse(text, Endpoint::Use::connect);
    REQUIRE(endpoint);
    CHECK(endpoint->text() == text);
  }
}

TEST_CASE("wildcards are for binding only") {
  for (const char* text : {"tcp://*:7400", "tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://*:*"}) {
    CHECK(valid(text, Endpoint::Use::bind));
    CHECK_FALSE(valid(text, Endpoint::Use::connect));
  }
  CHECK(Endpoint::parse("tcp://127.0.0.1:0", Endpoint::Use::bind)->text() == "tcp://127.0.0.1:*");
}

TEST_CASE("malformed endpoints are refused with the field") {
  for (const char* text :
       {"", "7400", "udp://a:1", "tcp://", "tcp://a", "tcp://:1", "tcp://a:", "tcp://a:65536", "tcp://a:-1",
        "tcp://a b:1", "tcp://::1:7400", "tcp://[zz]:1", "ipc://", "ipc://*", "tcp://a:1\n", "tcp://a/b:1"}) {
    INFO(text);
    const auto endpoint = Endpoint::parse(text, Endpoint::Use::bind);
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().code == ErrorCode::invalid_argument);
    CHECK(endpoint.error().field == "endpoint");
  }
  CHECK_FALSE(valid("ipc://" + std::string(108, 'x'), Endpoint::Use::bind));
}

TEST_CASE("loopback is what only this machine reaches") {
  const auto loopback = [](const char* text) {
    return Endpoint::parse(text, Endpoint::Use::bind)->is_loopback();
  };
  CHECK(loopback("tcp://127.0.0.1:1"));
  CHECK(loopback("tcp://127.8.9.10:1"));
  CHECK(loopback("tcp://localhost:1"));
  CHECK(loopback("tcp://[::1]:1"));
  CHECK(loopback("ipc://x"));
  CHECK_FALSE(loopback("tcp://*:1"));
  CHECK_FALSE(loopback("tcp://0.0.0.0:1"));
  CHECK_FALSE(loopback("tcp://10.0.0.1:1"));
  CHECK_FALSE(loopback("tcp://127.0.0.1.example:1"));
  CHECK_FALSE(loopback("tcp://127.evil.example:1"));
  CHECK_FALSE(loopback("tcp://[::]:1"));
}

TEST_CASE("a told host * stands for the host used for requests, 127.0.0.1 after ipc") {
  const auto by_name = *Endpoint::parse("tcp://broker.example:7400", Endpoint::Use::connect);
  const auto by_ipc = *Endpoint::parse("ipc://x", Endpoint::Use::connect);
  const auto by_v6 = *Endpoint::parse("tcp://[::1]:7400", Endpoint::Use::connect);
  CHECK(reachable_endpoint("tcp://*:7401", by_name)->text() == "tcp://broker.example:7401");
  CHECK(reachable_endpoint("tcp://0.0.0.0:7401", by_name)->text() == "tcp://broker.example:7401");
  CHECK(reachable_endpoint("tcp://*:7401", by_ipc)->text() == "tcp://127.0.0.1:7401");
  CHECK(reachable_endpoint("tcp://*:7401", by_v6)->text() == "tcp://[::1]:7401");
  CHECK(reachable_endpoint("tcp://10.1.1.1:7401", by_name)->text() == "tcp://10.1.1.1:7401");
  CHECK_FALSE(reachable_endpoint("nonsense", by_name));
  CHECK_FALSE(reachable_endpoint("tcp://*:0", by_name));
}
