#include "broker/gateway/live/upgrade.hpp"

#include <catch2/catch.hpp>

using namespace prismbus;

namespace {

HttpRequest request(std::string target, HttpHeaders headers = {}) {
  HttpRequest out;
  out.verb = Verb::get;
  out.target = std::move(target);
  out.headers = std::move(headers);
  return out;
}
Upgrade upgraded(const HttpRequest& asked) {
  const auto to = upgrade_of(asked);
  REQUIRE(to.has_value());
  REQUIRE(to->has_value());
  return **to;
}
Error refused(const HttpRequest& asked) {
  const auto to = upgrade_of(asked);
  REQUIRE_FALSE(to.has_value());
  return to.error();
}

}  // namespace

TEST_CASE("the two sockets by their paths; any other is none") {
  CHECK(upgraded(request("/ws/config/subscribe")).to == Upgrade::To::subscribe);
  CHECK(upgraded(request("/ws/config/notifications")).to == Upgrade::To::notifications);
  for (const char* path :
       {"/", "/ws", "/ws/config", "/ws/config/subscribe/", "/ws/config/subscribex", "/health"}) {
    INFO(path);
    const auto to = upgrade_of(request(path));
    CHECK((!to.has_value() || !to->has_value()));
  }
}

TEST_CASE("who it is comes in the query, and nothing else does") {
  const Upgrade to = upgraded(request("/ws/config/subscribe?instance=d%201&name=desk"));
  CHECK(to.client.instance == "d 1");
  CHECK(to.client.name == "desk");
  CHECK(refused(request("/ws/config/subscribe?x=1")).field == "target");
  CHECK(refused(request("/ws/config/notifications?instance=x")).field == "target");
}

TEST_CASE("one token, in the header or as a protocol, which is not named back") {
  const std::string path = "/ws/config/subscribe";
  CHECK_FALSE(upgraded(request(path)).token);
  CHECK(upgraded(request(path, {{"authorization", "Bearer abc"}})).token == "abc");
  CHECK_FALSE(upgraded(request(path, {{"authorization", "Bearer abc"}})).names_protocol);
  const Upgrade page = upgraded(request(path, {{"sec-websocket-protocol", "prismbus.v1 ,  bearer.x.y"}}));
  CHECK(page.token == "x.y");
  CHECK(page.names_protocol);
  CHECK(upgraded(request(path, {{"sec-websocket-protocol", "chat, prismbus.v1"}})).names_protocol);
  CHECK(refused(request(path, {{"sec-websocket-protocol", "chat"}})).code == ErrorCode::unsupported);
  CHECK(refused(request(path, {{"sec-websocket-protocol", "bearer.x"}})).code == ErrorCode::unsupported);
  CHECK(refused(request(path, {{"sec-websocket-protocol", ""}})).field == "Sec-WebSocket-Protocol");
  CHECK(refused(request(path, {{"sec-websocket-protocol", "prismbus.v1, bearer.x, bearer.y"}})).field ==
        "Sec-WebSocket-Protocol");
  CHECK(refused(request(path,
                        {{"authorization", "Bearer a"}, {"sec-websocket-protocol", "prismbus.v1, bearer.x"}}))
            .field == "Sec-WebSocket-Protocol");
  CHECK(refused(request(path, {{"authorization", "Basic a"}})).code == ErrorCode::unauthenticated);
  CHECK(refused(request(path, {{"authorization", "Bearer a"}, {"authorization", "Bearer a"}})).field ==
        "authorization");
  CHECK(refused(request(path, {{"sec-websocket-protocol", "prismbus.v1"},
                               {"sec-websocket-protocol", "prismbus.v1"}}))
            .field == "sec-websocket-protocol");
}
